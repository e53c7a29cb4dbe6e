/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_lock.h"
#include "instance/instance_mounts.h"
#include "instance/instance_record.h"
#include "instance/instance_trees.h"
#include "instance/user_range.h"
#include "instance/user_rights.h"
#include "instance/volume_store.h"
#include "store/layer_mount.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

enum { PROC_PATH_SIZE = 40 };

void instance_root_close(struct instance_root *r)
{
        if (r->fd >= 0)
                close(r->fd);
        for (size_t k = 0; k < r->n_pins; k++)
                close(r->pins[k]);
        free(r->pins);
        if (r->i)
                instance_unlock(r->e, r->i->id, &r->i->lock);
        *r = (struct instance_root)INSTANCE_ROOT_NONE;
}

/* ---- of a running one ---- */

static bool has_ended(int pidfd)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

/* A pid is the instance's as long as the instance says so after the process was taken hold of. */
static int open_running(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err)
{
        own_fd int pidfd = (int)syscall(SYS_pidfd_open, i->state.pid, 0), root = -1;
        pid_t pid = i->state.pid;
        char path[PROC_PATH_SIZE];
        int r;

        if (pidfd < 0)
                return error_set(err, ESRCH, "instance %s does not run any more", i->name);
        r = instance_read_state(e, i, err);
        if (r < 0)
                return r;
        snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (i->state.pid != pid || has_ended(pidfd))
                return error_set(err, ESRCH, "instance %s does not run any more", i->name);
        if (root < 0)
                return error_errno(err, errno, "open the root of instance %s", i->name);
        /* Where its files belong to whom they do. */
        r = user_rights_take(e, i->id, err);
        if (r < 0)
                return r;
        ret->fd = take_fd(&root);
        return 0;
}

/* ---- mounted ---- */

/* By its path: in a mount namespace of our own, overlayfs takes no directory that was opened before. */
static int open_directory(const struct instance *i, const char *name, struct error *err)
{
        own_fd int dir = open(i->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int fd = dir < 0 ? dir : openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open the instance's directory %s", name) : fd;
}

static int mount_layers(struct engine *e, const struct instance *i, struct image_mount_options *o,
                        struct instance_root *ret, struct error *err)
{
        own_mem struct image_info *image = NULL;
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = store_image_find(store, i->image.text, &image, err);
        if (r < 0 || !image)
                return error_wrap(err, "image of %s", i->name);
        ret->pins = calloc(image->n_layers + 1, sizeof *ret->pins);
        if (!ret->pins)
                return error_set(err, ENOMEM, "out of memory");
        o->ret_pins = ret->pins;
        o->warn = e->warn;
        r = image_mount(store, image->diff_ids, image->n_layers, o, err);
        if (r < 0)
                return r;
        ret->fd = r;
        ret->n_pins = image->n_layers;
        return 0;
}

static int mount_read_only(struct engine *e, const struct instance *i, struct instance_root *ret, struct error *err)
{
        own_fd int upper = -1;
        struct image_mount_options o = { .upper_fd = -1, .work_fd = -1, .top = &upper };
        int r = user_rights_take(e, NULL, err);

        if (r < 0)
                return r;
        upper = open_directory(i, i->upper, err);
        return upper < 0 ? upper : mount_layers(e, i, &o, ret, err);
}

static int mount_writable(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err)
{
        own_fd int upper = -1, work = -1;
        struct image_mount_options o = {};
        int r = user_rights_take(e, NULL, err);

        if (r == 0 && i->lock < 0) {
                r = instance_lock_stopped(e, i, err);
                if (r < 0)
                        return error_wrap(err, "instance %s", i->name);
                ret->e = e;
                ret->i = i;
        }
        if (r >= 0)
                r = upper = open_directory(i, i->upper, err);
        if (r >= 0)
                r = work = open_directory(i, "work", err);
        if (r < 0)
                return r;
        o.upper_fd = upper;
        o.work_fd = work;
        return mount_layers(e, i, &o, ret, err);
}

/* ---- volumes ---- */

static int add_pins(struct instance_root *root, struct instance_trees *t, struct error *err)
{
        int *pins = realloc(root->pins, (root->n_pins + t->n_pins + 1) * sizeof *pins);

        if (!pins)
                return error_set(err, ENOMEM, "out of memory");
        root->pins = pins;
        while (t->n_pins)
                pins[root->n_pins++] = t->pins[--t->n_pins];
        return 0;
}

/* -ENOENT: a volume that is yet to be made. */
static int open_source(struct engine *e, const struct instance *i, const struct instance_mount *m,
                       struct instance_root *root, struct error *err)
{
        own_instance_trees struct instance_trees t = {};
        int fd, r;

        if (m->mounted && (r = volume_mount(e, m->name, err)) < 0)
                return r;
        if (!instance_mount_is_given(m)) {
                fd = mount_clone(AT_FDCWD, m->source, true);
                return fd < 0 ? error_errno(err, -fd, "mount %s", m->source) : fd;
        }
        r = instance_trees_add(e, i, m, &t, err);
        if (r < 0)
                return r;
        r = add_pins(root, &t, err);
        return r < 0 ? r : take_fd(&t.fds[--t.n]);
}

/* What it is mounted on may be missing; where it cannot be made, it is left out. */
static int attach(int root, const struct instance_mount *m, int source, bool writable, struct error *err)
{
        own_fd int target = -1;
        struct stat st;

        if (fstat(source, &st) < 0)
                return error_errno(err, errno, "mount %s", m->source);
        if (instance_mount_is_read_only(m) && mount_set_attr(source, true, MOUNT_ATTR_RDONLY, 0, 0) < 0)
                return error_set(err, EIO, "mount %s read-only", m->source);
        target = fd_open_in_root(root, m->destination, O_PATH);
        if (target == -ENOENT && writable)
                target = S_ISDIR(st.st_mode) ? fd_mkdir_in_root(root, m->destination, 0755)
                                             : fd_create_in_root(root, m->destination, 0644);
        if (target == -ENOENT || target == -ENOTDIR)
                return 0;
        if (target < 0 || mount_attach(source, target) < 0)
                return error_set(err, EIO, "mount %s at %s", m->source, m->destination);
        return 0;
}

/* Over the instance's own directory, in a mount namespace that is this process's alone from then on. */
static int attach_root(struct engine *e, const struct instance *i, int tree, struct error *err)
{
        own_fd int place = -1;
        /* A second one would end the first, and what is mounted in it. */
        int r = engine_own_mounts(e, err);

        if (r < 0)
                return r;
        place = open(i->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = place < 0 ? -errno : mount_attach(tree, place);
        return r < 0 ? error_errno(err, -r, "attach a mount of instance %s", i->name) : 0;
}

static int attach_volumes(struct engine *e, const struct instance *i, const struct instance_mounts *m, bool writable,
                          struct instance_root *root, struct error *err)
{
        int r = attach_root(e, i, root->fd, err);

        for (size_t k = 0; r == 0 && k < m->n; k++) {
                own_fd int source = open_source(e, i, &m->items[k], root, err);

                if (source >= 0)
                        r = attach(root->fd, &m->items[k], source, writable, err);
                else if (source != -ENOENT)
                        r = source;
        }
        return r;
}

int instance_check_on_host(const struct instance *i, const char *what, struct error *err)
{
        if (!i->backend->is_machine)
                return 0;
        return error_set(err, ENOTSUP,
                         "instance %s is a virtual machine, whose files and processes are its own: it cannot "
                         "be %s yet",
                         i->name, what);
}

int instance_root_open(struct engine *e, struct instance *i, bool writable, struct instance_root *ret,
                       struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        own_instance_mounts struct instance_mounts m = {};
        uint32_t size;
        int r;

        if (writable && instance_is_running(i) && user_range_read_flag(i->options.userns, &size, err) > 0)
                return error_set(err, ENOTSUP,
                                 "instance %s runs with ids of its own (--userns), as which nothing can be written "
                                 "from here: stop it first",
                                 i->name);
        if (instance_is_running(i) && i->state.pid > 0) {
                r = open_running(e, i, &root, err);
        } else {
                r = instance_mounts_all(i, &m, err);
                /* What its first start would make, places to mount on, is made now. */
                writable = writable || (m.n && i->state.status == INSTANCE_CREATED);
                if (r == 0)
                        r = writable ? mount_writable(e, i, &root, err) : mount_read_only(e, i, &root, err);
                if (r == 0 && m.n)
                        r = attach_volumes(e, i, &m, writable, &root, err);
        }
        if (r < 0)
                return r;
        *ret = root;
        root = (struct instance_root)INSTANCE_ROOT_NONE;
        return 0;
}

int instance_root_open_bare(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        int r = mount_read_only(e, i, &root, err);

        if (r < 0)
                return r;
        *ret = root;
        root = (struct instance_root)INSTANCE_ROOT_NONE;
        return 0;
}

int instance_root_open_image(struct engine *e, struct instance *i, struct instance_root *ret, struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        struct image_mount_options o = { .upper_fd = -1, .work_fd = -1 };
        int r = user_rights_take(e, NULL, err);

        if (r == 0)
                r = mount_layers(e, i, &o, &root, err);
        if (r < 0)
                return r;
        *ret = root;
        root = (struct instance_root)INSTANCE_ROOT_NONE;
        return 0;
}
