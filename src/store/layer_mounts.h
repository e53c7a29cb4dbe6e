/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN/layers: where layers are mounted, once each. Behind layer_mount.h; knows no store.
 *
 * Theory of operation. RUN/layers is a tmpfs of our own, private (what is mounted in it shows up nowhere else) and open
 * to nobody but root, since layers keep their setuid programs. In it
 *
 *   HEX       the layer's mount
 *   HEX.file  a link that leads nowhere: device and inode of the file that is mounted there. A number stays the file's
 *             as long as it is mounted: that they are equal means that the mount is of this file, not of one before it
 *   .layer, .overlay   links likewise: how this kernel mounts a layer and joins them, as found out by the first of
 *             them; gone with the next boot, as the tmpfs is
 *   .place    where an overlay is mounted for an instant by kernels that cannot mount it otherwise
 *
 * Whoever changes any of it has RUN/layers.lock (flock). Whoever looks needs no lock: a layer's link is there before
 * its mount, and goes before it goes, and both are asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "store/layer_mount.h"

/* How overlayfs is given its directories. */
enum overlay_way {
        OVERLAY_UNKNOWN,
        OVERLAY_BY_FD,   /* Linux 6.13 */
        OVERLAY_BY_NAME, /* Linux 6.5: one by one, by names below /proc/self/fd */
        OVERLAY_BY_PAGE, /* all of them in the one page that mount(2) takes */
};

struct layer_mounts {
        int run, dir; /* RUN, RUN/layers */
        bool known;   /* backing and directio */
        enum layer_backing backing;
        bool directio; /* the kernel knows the option */
        enum overlay_way overlay;
};

/* Makes what is missing. run: RUN, which must be there and be ours alone. */
int layer_mounts_open(const char *run, struct layer_mounts *ret, struct error *err);
void layer_mounts_close(struct layer_mounts *m);
#define own_layer_mounts __attribute__((cleanup(layer_mounts_close)))

/* The root of the layer's mount (O_PATH), which is made if it is not there or of another file. -EOPNOTSUPP: not by this
 * kernel, or not for us; then m->backing is LAYER_BACKING_USER. */
int layer_mounts_get(struct layer_mounts *m, const char *hex, int image_fd, struct error *err);

/* Takes it away; none is no error. */
int layer_mounts_remove(struct layer_mounts *m, const char *hex, struct error *err);

/* RUN/layers.lock, until the descriptor is closed. */
int layer_mounts_lock(const struct layer_mounts *m, struct error *err);

/*
 * A detached overlay of the directories `lower` (O_PATH, the uppermost last); upper_fd -1: read-only, then there must
 * be two at least.
 */
int layer_mounts_join(struct layer_mounts *m, const int *lower, size_t n, const struct image_mount_options *o,
                      struct error *err);

/* A symbolic link as a small memory: its text (NUL-terminated) or "" for none. */
void layer_mounts_recall(const struct layer_mounts *m, const char *name, char *text, size_t size);
int layer_mounts_remember(const struct layer_mounts *m, const char *name, const char *text, struct error *err);

/* Whether something is mounted on what the descriptor names. */
bool layer_mounts_is_mount(int fd);
/* Unmounts what stands at RUN/layers/NAME. */
int layer_mounts_detach(const struct layer_mounts *m, const char *name, struct error *err);
