/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_mounts.h"
#include "store/layer_unpacked.h"
#include "sys/capability.h"
#include "sys/mount_tree.h"

/* A directory is no mount of its own, and whoever may may write to it. */
static int clone_root(const struct layer_mounts *m, int root, struct error *err)
{
        own_fd int fd = mount_clone(root, "", false);
        int r = fd;

        if (r >= 0 && m->backing == LAYER_BACKING_USER)
                r = mount_set_attr(fd, false, MOUNT_ATTR_RDONLY, 0, 0);
        return r < 0 ? error_errno(err, -r, "clone the mount of a layer") : take_fd(&fd);
}

/* Opens the layer and its mount, or what it is unpacked in. */
static int open_layer(struct store *s, struct layer_mounts *m, const struct digest *diff_id,
                      void (*warn)(const char *text), int *ret_pin, int *ret_root, struct error *err)
{
        own_fd int pin = store_layer_open(s, diff_id, NULL, NULL, err);
        int r = pin;

        if (r >= 0 && m->backing != LAYER_BACKING_USER)
                r = layer_mounts_get(m, digest_hex(diff_id), pin, err);
        if (pin >= 0 && m->backing == LAYER_BACKING_USER)
                r = layer_unpacked_get(s, digest_hex(diff_id), pin, warn, err);
        if (r < 0)
                return r;
        *ret_root = r;
        *ret_pin = take_fd(&pin);
        return 0;
}

int layer_mount(struct store *s, const struct digest *diff_id, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        own_fd int pin = -1, root = -1;
        int r = layer_mounts_open(store_run(s), &m, err);

        if (r == 0)
                r = open_layer(s, &m, diff_id, NULL, &pin, &root, err);
        return r < 0 ? r : clone_root(&m, root, err);
}

int layer_unmount(struct store *s, const struct digest *diff_id, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        int r = layer_mounts_open(store_run(s), &m, err);

        return r < 0 ? r : layer_mounts_remove(&m, digest_hex(diff_id), err);
}

/* In the place of the layer's mount, which all share, one with mappings. */
static int map_owners(int *root, int user_ns, struct error *err)
{
        own_fd int fd = mount_clone(*root, "", false);
        int r = fd < 0 ? fd : mount_set_idmap(fd, false, user_ns);

        if (r < 0)
                return error_errno(err, -r, "map the owners of a layer's files");
        close(*root);
        *root = take_fd(&fd);
        return 0;
}

/* What overlayfs makes by itself is the mounter's: of somebody whom the mappings know. */
static int join(struct layer_mounts *m, const int *roots, size_t n, const struct image_mount_options *o,
                struct error *err)
{
        int r;

        if (!o->users)
                return layer_mounts_join(m, roots, n, o, err);
        r = capability_set_file_owner(o->users->uid, o->users->gid);
        if (r == 0)
                r = layer_mounts_join(m, roots, n, o, err);
        else
                error_errno(err, -r, "make files of the instance's root");
        capability_set_file_owner(0, 0);
        if (r == -EINVAL)
                return error_wrap(err, "--userns auto needs Linux 6.15");
        return r;
}

static void close_all(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
}

int image_mount(struct store *s, const struct digest *diff_ids, size_t n, const struct image_mount_options *o,
                struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        own_mem int *fds = n ? calloc(n + 1, 2 * sizeof *fds) : NULL;
        int *pins = fds, *roots = fds + n;
        size_t opened = 0, all = n;
        int r;

        if (!fds)
                return n ? error_set(err, ENOMEM, "out of memory") : error_set(err, EINVAL, "an image without layers");
        r = layer_mounts_open(store_run(s), &m, err);
        while (r == 0 && opened < n) {
                r = open_layer(s, &m, &diff_ids[opened], o->warn, &pins[opened], &roots[opened], err);
                opened += r == 0;
                if (r == 0 && o->users)
                        r = map_owners(&roots[opened - 1], o->users->user_ns, err);
        }
        if (o->top)
                roots[all++] = *o->top;
        if (r == 0 && all == 1 && o->upper_fd < 0 && o->users)
                r = take_fd(&roots[0]);
        else if (r == 0)
                r = all == 1 && o->upper_fd < 0 ? clone_root(&m, roots[0], err) : join(&m, roots, all, o, err);
        close_all(roots, opened);
        if (r >= 0 && o->ret_pins)
                memcpy(o->ret_pins, pins, n * sizeof *pins);
        else
                close_all(pins, opened);
        return r;
}
