/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots and clones of instances.
 *
 * A snapshot is an image without a name: the layers of what the instance stands on, and a layer of what it has written.
 * ROOT/instances/ID/snapshots/NAME (JSON) says which; the store keeps the image for the owner "ID/NAME". A clone is an
 * instance that stands on such an image. So neither costs more than what was written, and a layer stays as long as one
 * of them needs it, whatever else is removed.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "instance/instance.h"

struct snapshot {
        char name[256];
        struct digest image;
        int64_t created;         /* nanoseconds since 1970 */
        uint64_t size;           /* of its own layer in the store */
        uint32_t mode, uid, gid; /* of the root directory */
};

/* name NULL: "snap0", "snap1" ..., as *ret says. -EEXIST. One that runs stands still meanwhile. */
int snapshot_create(struct engine *e, struct instance *i, const char *name, struct snapshot *ret, struct error *err);

/* -ENOENT. */
int snapshot_find(struct engine *e, struct instance *i, const char *name, struct snapshot *ret, struct error *err);

/* The oldest first. Ends with the first result that is not 0. */
int snapshot_each(struct engine *e, struct instance *i, int (*each)(void *userdata, const struct snapshot *s),
                  void *userdata, struct error *err);

/* Appends the names of the instances that stand on it, separated by ", ". */
int snapshot_users(struct engine *e, const struct instance *i, const struct snapshot *s, struct buf *out,
                   struct error *err);

/* -EBUSY: instances stand on it, which the error names; with force they keep its image, and only its name goes. */
int snapshot_remove(struct engine *e, struct instance *i, const char *name, bool force, struct error *err);

/* All of them, with the instance: what clones need stays theirs. */
int snapshot_remove_all(struct engine *e, struct instance *i, struct error *err);

/* What the instance has written since is gone. It must not run (-EBUSY). */
int snapshot_restore(struct engine *e, struct instance *i, const char *name, struct error *err);

struct clone_options {
        const char *name;           /* of the clone; NULL: one is made up */
        const char *snapshot;       /* NULL: as it is now */
        const char *const *publish; /* the clone's published ports, of --publish; NULL: the original's */
        size_t n_publish;
        bool full;
        bool live; /* of a machine that runs: it goes on where that stands, at its first start */
};

/* The original's, but for what there can be only one of. */
int instance_clone_options(const struct instance *i, const struct clone_options *c, struct instance_options *ret,
                           struct error *err);

/* It does not run, and is locked. It has the original's options, but an identity of its own: see holt-clone(1). */
int instance_clone(struct engine *e, struct instance *i, const struct clone_options *o, struct instance **ret,
                   struct error *err);
