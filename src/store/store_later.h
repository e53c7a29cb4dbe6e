/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What need not be waited for: that new files reach the disk (0.2 s for 600 MB here, 2 s on a slow disk), and that the
 * kernel frees large files (0.2 s for 1 GB) and trees (1 ms a file on a busy disk). A process of its own does it, which
 * has nothing but their descriptors. If it is killed, the files are freed all the same; those not yet synced are in the
 * page cache like any others, and are known for what they are by their mode (store_private.h) if the power fails before
 * they are on the disk.
 */
#pragma once

#include <stddef.h>

enum { LATER_MAX = 48 };

struct later {
        int sync[LATER_MAX], free[LATER_MAX], trees[LATER_MAX];
        size_t n_sync, n_free, n_trees;
        void (*job)(int fd); /* NULL */
        int job_fd;
};

/* A copy of the descriptor is kept. */
void later_sync(struct later *l, int fd);
/* The same for a directory with all that is in it: when that is on the disk, its entry "boot" goes. */
void later_sync_tree(struct later *l, int fd);
/* Takes the descriptor of a file that has lost its name. */
void later_free(struct later *l, int fd);
/* job(fd) after all that; takes the descriptor. One at most: a second one is as good as done by the first. */
void later_do(struct later *l, int fd, void (*job)(int fd));
/* Starts the process, if there is anything to do. */
void later_go(struct later *l);
