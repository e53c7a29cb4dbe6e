/* SPDX-License-Identifier: Apache-2.0 */
/* Loop devices (loop(4); LOOP_CONFIGURE since Linux 5.8). */
#pragma once

#include "base/error.h"

enum { LOOP_PATH_MAX = 32 };

/*
 * A read-only block device of the file's content, which goes away with its last user: the descriptor that is returned,
 * or what was mounted from `ret_path` meanwhile. Reads go past the page cache of the file where its file system lets
 * them.
 */
int loop_device_new(int file_fd, char ret_path[LOOP_PATH_MAX], struct error *err);
