/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by scope: a variable marked own_* gives its resource back when it
 * goes out of scope, unless it was handed on with take_fd() or take_ptr().
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free_(void *p)
{
        int saved = errno;

        free(*(void **)p);
        errno = saved;
}

static inline void own_close_(const int *fd)
{
        int saved = errno;

        if (*fd >= 0)
                close(*fd);
        errno = saved;
}

static inline void own_closedir_(DIR **dir)
{
        int saved = errno;

        if (*dir)
                closedir(*dir);
        errno = saved;
}

#define own_mem __attribute__((cleanup(own_free_)))
#define own_fd __attribute__((cleanup(own_close_)))
#define own_dir __attribute__((cleanup(own_closedir_)))

/* Hands the descriptor on: returns *fd and leaves -1 behind. */
static inline int take_fd(int *fd)
{
        int r = *fd;

        *fd = -1;
        return r;
}

/* Hands the pointer on: evaluates to p and leaves NULL behind. */
#define take_ptr(p)                        \
        ({                                 \
                __typeof__(p) take_ = (p); \
                (p) = NULL;                \
                take_;                     \
        })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
