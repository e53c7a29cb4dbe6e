/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_trees.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_mount.h"
#include "sys/fd.h"
#include "sys/mount_detached.h"

static void close_all(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
}

void instance_trees_finish(struct instance_trees *t)
{
        close_all(t->fds, t->n);
        close_all(t->pins, t->n_pins);
        free(t->fds);
        free(t->pins);
        *t = (struct instance_trees){};
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- images ---- */

static int open_image(struct engine *e, const struct instance *i, const struct instance_mount *m,
                      struct instance_trees *t, struct error *err)
{
        struct image_mount_options o = { .upper_fd = -1, .work_fd = -1, .warn = e->warn };
        const struct image_users *users = i->users.user_ns < 0 ? NULL : &i->users;
        own_mem struct image_info *image = NULL;
        struct store *store;
        int r = engine_store(e, &store, err);

        o.users = users;
        if (r == 0)
                r = store_image_find(store, m->image, &image, err);
        if (r < 0 || !image)
                return r;
        if (array_grow(&t->pins, &t->cap_pins, t->n_pins + image->n_layers, sizeof *t->pins) < 0)
                return no_memory(err);
        o.ret_pins = t->pins + t->n_pins;
        r = image_mount(store, image->diff_ids, image->n_layers, &o, err);
        if (r >= 0)
                t->n_pins += image->n_layers;
        return r;
}

/* ---- parts ---- */

/* Links lead no further than the root of what it is a part of. */
static int open_part(const struct instance *i, int whole, const char *subpath, struct error *err)
{
        own_fd int part = fd_open_in_root(whole, subpath, O_PATH);
        int fd;

        if (part < 0)
                return error_errno(err, -part, "subpath %s", subpath);
        fd = mount_clone_detached(whole, part, i->path);
        return fd < 0 ? error_errno(err, -fd, "mount the subpath %s", subpath) : fd;
}

static int open_whole(struct engine *e, const struct instance *i, const struct instance_mount *m,
                      struct instance_trees *t, struct error *err)
{
        int fd;

        if (m->image)
                return open_image(e, i, m, t, err);
        fd = open(m->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", m->source) : fd;
}

int instance_trees_add(struct engine *e, const struct instance *i, const struct instance_mount *m,
                       struct instance_trees *t, struct error *err)
{
        own_fd int whole = -1;
        int fd;

        if (array_grow(&t->fds, &t->cap, t->n + 1, sizeof *t->fds) < 0)
                return no_memory(err);
        fd = whole = open_whole(e, i, m, t, err);
        if (fd >= 0)
                fd = m->subpath ? open_part(i, whole, m->subpath, err) : take_fd(&whole);
        if (fd < 0)
                return error_wrap(err, "%s %s", m->type, m->name ? m->name : m->source);
        t->fds[t->n++] = fd;
        return 0;
}

int instance_trees_take(struct instance_trees *t, int fd, struct error *err)
{
        if (array_grow(&t->fds, &t->cap, t->n + 1, sizeof *t->fds) < 0) {
                close(fd);
                return no_memory(err);
        }
        t->fds[t->n++] = fd;
        return 0;
}

int instance_trees_open(struct engine *e, const struct instance *i, struct instance_trees *ret, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        own_instance_trees struct instance_trees t = {};
        int r = instance_mounts_load(i->fd, &m, err);

        for (size_t k = 0; r == 0 && k < m.n; k++)
                r = instance_mount_is_given(&m.items[k]) ? instance_trees_add(e, i, &m.items[k], &t, err) : 0;
        if (r < 0)
                return r;
        *ret = t;
        t = (struct instance_trees){};
        return 0;
}
