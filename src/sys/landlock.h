/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock(7), Linux 5.13: from landlock_enter() on, this process and what it starts open nothing but what was allowed
 * before, connect to no abstract socket and signal nobody outside. What is open stays so. On a kernel without Landlock
 * all of it does nothing; one that knows less of it (TCP since 6.7, ioctls since 6.10, scopes since 6.12) forbids less.
 */
#pragma once

#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Debian's header is that of 6.1. */
enum {
        LANDLOCK_FILE_TRUNCATE = 1 << 14, /* 6.2 */
        LANDLOCK_FILE_IOCTL = 1 << 15,    /* 6.10; of devices */
};
#define LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

struct landlock {
        int rules; /* -1: this kernel has none */
        uint64_t files;
};

#define own_landlock __attribute__((cleanup(landlock_finish)))
void landlock_finish(struct landlock *l);

/* connects: it may connect by TCP; bind it may not. */
int landlock_begin(bool connects, struct landlock *ret, struct error *err);

/* What is at the descriptor (O_PATH is enough) and below it. Rights that only directories have are left out for a file. */
int landlock_allow(const struct landlock *l, int fd, uint64_t rights, struct error *err);
/* The same; what is not there needs no rule. */
int landlock_allow_path(const struct landlock *l, const char *path, uint64_t rights, struct error *err);

/* Needs no_new_privs. */
int landlock_enter(const struct landlock *l, struct error *err);
