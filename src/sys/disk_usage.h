/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* What the files of the tree take on the disk, in bytes; what cannot be read is not counted. 0 or -errno. */
int disk_usage(const char *path, uint64_t *ret);
