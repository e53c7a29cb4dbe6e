/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow. */
#pragma once

#include <stddef.h>

/*
 * Makes room for `n` items of `size` bytes in the malloc'ed array *array_ptr, which has room for *cap; doubles, so that
 * adding one by one stays cheap. 0 or -ENOMEM, then nothing has changed.
 */
int array_grow(void *array_ptr, size_t *cap, size_t n, size_t size);
