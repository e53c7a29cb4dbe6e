/* SPDX-License-Identifier: Apache-2.0 */
#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int array_grow(void *array_ptr, size_t *cap, size_t n, size_t size)
{
        size_t want = *cap ? *cap : 16;
        void *old, *grown;

        if (n <= *cap)
                return 0;
        while (want < n) {
                if (__builtin_mul_overflow(want, 2, &want))
                        return -ENOMEM;
        }
        memcpy(&old, array_ptr, sizeof old);
        grown = reallocarray(old, want, size);
        if (!grown)
                return -ENOMEM;
        memcpy(array_ptr, &grown, sizeof grown);
        *cap = want;
        return 0;
}
