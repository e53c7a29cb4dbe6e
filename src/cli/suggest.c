/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggest.h"

#include <string.h>

enum { NAME_MAX_LENGTH = 32 };

static size_t smallest(size_t a, size_t b, size_t c)
{
        if (b < a)
                a = b;
        return c < a ? c : a;
}

/* How many characters were left out, added, changed or swapped with their neighbour. */
static size_t distance(const char *a, size_t n, const char *b)
{
        size_t rows[3][NAME_MAX_LENGTH + 1], m = strlen(b);

        if (n > NAME_MAX_LENGTH || m > NAME_MAX_LENGTH)
                return NAME_MAX_LENGTH;
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = smallest(row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            two_above[j - 2] + 1 < row[j])
                                row[j] = two_above[j - 2] + 1;
                }
        }
        return rows[n % 3][m];
}

/* The part of the name that was to be typed, or NULL when it is not of this group. */
static const char *last_word(const char *name, const char *group)
{
        const char *space = strchr(name, ' ');
        size_t len = group ? strlen(group) : 0;

        if (!group)
                return space ? NULL : name;
        return space && (size_t)(space - name) == len && strncmp(name, group, len) == 0 ? space + 1 : NULL;
}

/* No name is near from which more than this differs. */
static size_t farthest(size_t len)
{
        return len < 2 ? 0 : len < 6 ? 1 : 2;
}

const char *suggest_command(const struct cli_program *program, const char *group, const char *typed)
{
        size_t len = strlen(typed), best = farthest(len) + 1;
        const char *found = NULL;

        for (const struct cli_command *c = program->commands; c->name; c++) {
                const char *word = last_word(c->name, group);
                size_t d = word ? distance(typed, len, word) : best;

                if (d < best) {
                        best = d;
                        found = c->name;
                }
        }
        return found;
}

const char *suggest_option(const struct cli_command *command, const char *typed, size_t len)
{
        size_t best = farthest(len) + 1;
        const char *found = NULL;

        for (size_t i = 0; i < command->n_options; i++) {
                size_t d = distance(typed, len, command->options[i].name);

                if (d < best) {
                        best = d;
                        found = command->options[i].name;
                }
        }
        return found;
}
