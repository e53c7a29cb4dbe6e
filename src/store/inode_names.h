/* SPDX-License-Identifier: Apache-2.0 */
/* Under which name a file of several names (hard links) was met first. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

struct inode_name {
        dev_t device;
        ino_t inode;
        const char *name; /* NULL: an empty place */
};

struct inode_names {
        struct inode_name *table; /* open addressing */
        size_t n, size;
        struct arena names;
};

void inode_names_finish(struct inode_names *t);

/* The name it was met under before: *ret_name lives as long as the table; NULL: never, it is kept under this one from
 * now on. 0 or -ENOMEM. */
int inode_names_meet(struct inode_names *t, dev_t device, ino_t inode, const char *name, const char **ret_name);
