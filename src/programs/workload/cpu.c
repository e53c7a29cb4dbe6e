/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting for the branches, products of matrices for the floating point; both fit into a cache. */
#include <stdlib.h>

#include "workload.h"

enum { NUMBERS = 50000, SIDE = 96, TURNS_OF_100 = 40 };

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static uint64_t sort(uint64_t *numbers, uint64_t *state)
{
        for (size_t i = 0; i < NUMBERS; i++)
                numbers[i] = next_number(state);
        qsort(numbers, NUMBERS, sizeof *numbers, compare);
        return numbers[NUMBERS / 2];
}

/* c = a * b */
static void multiply(const double *a, const double *b, double *c)
{
        for (size_t i = 0; i < SIDE; i++) {
                for (size_t j = 0; j < SIDE; j++) {
                        double sum = 0;

                        for (size_t k = 0; k < SIDE; k++)
                                sum += a[i * SIDE + k] * b[k * SIDE + j];
                        c[i * SIDE + j] = sum;
                }
        }
}

static uint64_t products(double *m, uint64_t *state)
{
        double *a = m, *b = m + (size_t)SIDE * SIDE, *c = b + (size_t)SIDE * SIDE;

        for (size_t i = 0; i < 2 * (size_t)SIDE * SIDE; i++)
                m[i] = (double)(next_number(state) % 1000);
        multiply(a, b, c);
        multiply(b, c, a);
        return (uint64_t)a[SIDE];
}

uint64_t work_cpu(unsigned amount, const char *program)
{
        uint64_t *numbers = malloc(NUMBERS * sizeof *numbers), state = 1, sum = 0;
        double *matrices = malloc(3 * (size_t)SIDE * SIDE * sizeof *matrices);
        unsigned turns = amount * TURNS_OF_100 / 100 + 1;

        for (unsigned i = 0; numbers && matrices && i < turns; i++)
                sum += sort(numbers, &state) + products(matrices, &state);
        sum = numbers && matrices ? sum >> 1 : FAILED;
        free(numbers);
        free(matrices);
        return sum;
}
