/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROOT/instances/ID: what an instance writes. Locked (flock) by the process that runs it: one that nobody has locked is
 * what a killed one has left. A name is a link beside it that leads to it.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum { INSTANCE_ID_LEN = 64 };

struct instance_dir {
        int parent, fd;
        int upper, work; /* of the overlay */
        char id[INSTANCE_ID_LEN + 1];
        char *path;
        const char *name; /* NULL */
};

/* A new one with a random id. name: NULL, or the caller's; -EEXIST when another instance has it. */
int instance_dir_make(const char *root, const char *name, struct instance_dir *ret, struct error *err);

/* A file in it. */
int instance_dir_write(const struct instance_dir *d, const char *name, const char *text, struct error *err);

/* Removes it with all that is in it. */
int instance_dir_remove(struct instance_dir *d, struct error *err);

void instance_dir_close(struct instance_dir *d);
#define own_instance_dir __attribute__((cleanup(instance_dir_close)))

/*
 * For each that a killed process has left: each(id) takes back the rest of it, then it is removed. One that fails stops
 * nothing; it is the result in the end.
 */
int instance_dir_sweep(const char *root, int (*each)(void *userdata, const char *id, struct error *err), void *userdata,
                       struct error *err);
