/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted into an instance that is not a path of its own command line: volumes with and without a name, those
 * of its image, what it has from other instances (--volumes-from), and images (--mount type=image). It is settled when
 * the instance is made, and kept as ROOT/instances/ID/volumes: anonymous volumes stay the same ones, and what others
 * have is theirs to change.
 *
 * Binds of its own (-v /PATH:..., --mount type=bind) and --tmpfs are volume.h's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "instance/instance.h"

struct instance_mount {
        const char *type;        /* "volume", "image", "bind" */
        const char *name;        /* of the volume; NULL */
        const char *source;      /* the path on the host; an image: its name */
        const char *image;       /* an image: its id; NULL */
        const char *subpath;     /* what of it is mounted, without leaving it; NULL: all */
        const char *destination; /* absolute */
        const char *options;     /* in the words of -v: "ro,z,rshared"; "" */
        bool anonymous, nocopy;
        bool mounted; /* a volume that is mounted while it is used (volume_mount.h) */
};

struct instance_mounts {
        struct instance_mount *items;
        size_t n, cap;
        struct arena arena;
};

#define own_instance_mounts __attribute__((cleanup(instance_mounts_finish)))
void instance_mounts_finish(struct instance_mounts *m);

/* Whether the value of -v names a path of the host, and so is volume.h's. */
bool instance_mount_is_path(const char *volume);
/* The same of --mount: whether its type is one of this file's. */
bool instance_mount_is_volume(const char *mount);

/* For one that is being made: settles and keeps them. Nothing is written when there are none. */
int instance_mounts_settle(struct engine *e, struct instance *i, struct error *err);

/* What would be settled: nothing is made or kept. */
int instance_mounts_plan(struct engine *e, const struct instance *i, struct instance_mounts *ret, struct error *err);

/* Whether it may hold images beside its own in the store. */
bool instance_mounts_hold(const struct instance_options *o);

/*
 * For a clone: the images that o->mount names become those that the original has, whatever their names say by now.
 */
int instance_mounts_pin_images(const struct instance *original, struct instance_options *o, struct error *err);

/* What was kept. dir: of ROOT/instances/ID. */
int instance_mounts_load(int dir, struct instance_mounts *ret, struct error *err);

/* All of them, with its own binds, as others inherit them and `inspect` shows them. */
int instance_mounts_all(const struct instance *i, struct instance_mounts *ret, struct error *err);

bool instance_mount_is_read_only(const struct instance_mount *m);

/* Whether it has no path that could be mounted: its tree is opened (instance_trees.h). */
bool instance_mount_is_given(const struct instance_mount *m);

/* "Mounts" as docker inspect has it. */
int instance_mounts_describe(const struct instance *i, struct json_writer *w, const char *key, struct error *err);
