/* SPDX-License-Identifier: Apache-2.0 */
/* A file for what reads files: the fuzzer's bytes stand in one of a directory that goes with the process. */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

static char scratch_dir[] = "/tmp/holt-fuzz-XXXXXX";
static int scratch_dirfd = -1;

static void scratch_remove(void)
{
        fd_remove_tree_at(AT_FDCWD, scratch_dir);
}

/* NAME in scratch_dir holds the bytes. */
static void scratch_write(const char *name, const uint8_t *data, size_t size)
{
        own_fd int fd = -1;

        if (scratch_dirfd < 0) {
                if (!mkdtemp(scratch_dir))
                        abort();
                atexit(scratch_remove);
                scratch_dirfd = open(scratch_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        fd = openat(scratch_dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || fd_write_all(fd, data, size) < 0)
                abort();
}
