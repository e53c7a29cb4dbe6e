/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inode_names.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_SIZE = 64 };

void inode_names_finish(struct inode_names *t)
{
        arena_finish(&t->names);
        free(t->table);
        *t = (struct inode_names){};
}

/* Where it stands, or where it would. */
static struct inode_name *place_of(struct inode_name *table, size_t size, dev_t device, ino_t inode)
{
        uint64_t h = ((uint64_t)inode ^ (uint64_t)device << 32) * 0x9e3779b97f4a7c15u;
        size_t at = (h ^ h >> 32) & (size - 1);

        while (table[at].name && (table[at].inode != inode || table[at].device != device))
                at = (at + 1) & (size - 1);
        return &table[at];
}

static int grow(struct inode_names *t)
{
        size_t size = t->size ? t->size * 2 : FIRST_SIZE;
        struct inode_name *table;

        if (t->n + 1 <= t->size / 4 * 3)
                return 0;
        table = calloc(size, sizeof *table);
        if (!table)
                return -ENOMEM;
        for (size_t i = 0; i < t->size; i++) {
                if (t->table[i].name)
                        *place_of(table, size, t->table[i].device, t->table[i].inode) = t->table[i];
        }
        free(t->table);
        t->table = table;
        t->size = size;
        return 0;
}

int inode_names_meet(struct inode_names *t, dev_t device, ino_t inode, const char *name, const char **ret_name)
{
        struct inode_name *place;

        if (grow(t) < 0)
                return -ENOMEM;
        place = place_of(t->table, t->size, device, inode);
        *ret_name = place->name;
        if (place->name)
                return 0;
        place->name = arena_strdup(&t->names, name);
        if (!place->name)
                return -ENOMEM;
        place->device = device;
        place->inode = inode;
        t->n++;
        return 0;
}
