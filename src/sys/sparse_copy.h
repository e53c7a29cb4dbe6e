/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* Makes `to`, which is empty, a copy of the file `from` whose holes are holes; blocks are shared where the file system
 * can do that. 0 or -errno. */
int sparse_copy(int from, int to, off_t size);

/* A part of it, to where `to` has nothing. */
int sparse_copy_range(int from, off_t start, int to, off_t out, off_t length);
