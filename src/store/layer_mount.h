/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers and images as detached mounts: descriptors that stand nowhere until somebody attaches them, and vanish with
 * the last one that has them.
 *
 * A layer is mounted once, at RUN/layers/HEX (private propagation), because two mounts of one file do not share their
 * page cache, while clones of one mount do. An ordinary user needs a user and a mount namespace of his own for all of
 * it (sys/user_namespace.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/store.h"

/* How this host mounts a layer; found out once a boot and kept in RUN. */
enum layer_backing {
        LAYER_BACKING_FILE, /* Linux 6.12: EROFS takes a regular file */
        LAYER_BACKING_LOOP, /* a loop device that goes with the mount */
        LAYER_BACKING_USER, /* neither: root of a user namespace, or no EROFS. Layers are unpacked (layer_unpacked.h) */
};

/* A detached read-only clone of the layer's mount: a descriptor. */
int layer_mount(struct store *s, const struct digest *diff_id, struct error *err);

/* A user namespace by whose mappings layers are seen (Linux 6.15), and who is root in it. upper and work are in a mount
 * with the same mappings. */
struct image_users {
        int user_ns;
        uid_t uid;
        gid_t gid;
};

struct image_mount_options {
        int upper_fd, work_fd;           /* directories of one file system; -1: a read-only mount */
        const int *top;                  /* one more directory above the layers, to look at; NULL */
        const struct image_users *users; /* whose the files are; NULL: those that the layers say */
        bool is_volatile;    /* nothing of it is wanted after a crash: nothing is synced (overlayfs, Linux 5.10) */
        const char *context; /* the SELinux label of all that is in an overlay; NULL: what the file systems say */
        void (*warn)(const char *text); /* told once of what of a layer could not be unpacked; NULL */
        int *ret_pins;                  /* NULL, or n descriptors that pin the layers until the caller closes them */
};

/*
 * A detached overlay of the layers (lowest first, at least one; one alone and no upper directory needs no overlay): a
 * descriptor.
 */
int image_mount(struct store *s, const struct digest *diff_ids, size_t n, const struct image_mount_options *o,
                struct error *err);

/* Takes the layer's own mount away; users of clones keep theirs. For the store, before it removes a layer. */
int layer_unmount(struct store *s, const struct digest *diff_id, struct error *err);
