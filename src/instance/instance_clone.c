/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/instance_image_make.h"
#include "instance/instance_mounts.h"
#include "instance/instance_record.h"
#include "instance/instance_root.h"
#include "instance/machine_id.h"
#include "instance/snapshot.h"
#include "instance/vm_template.h"
#include "sys/fd.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- options ---- */

int instance_clone_options(const struct instance *i, const struct clone_options *c, struct instance_options *ret,
                           struct error *err)
{
        own_instance_options struct instance_options o = {};
        own_json struct json_object *obj = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        instance_options_write(&i->options, &w, NULL);
        if (buf_failed(&text))
                return no_memory(err);
        r = json_parse(text.data, text.len, &obj, err);
        if (r == 0)
                r = instance_options_read(obj, &o, err);
        if (r < 0)
                return r;
        o.name = o.hostname = o.ip = o.ip6 = o.mac_address = NULL;
        o.rm = false;
        if (c->name && instance_option_set(&o, instance_option_find("name"), c->name) < 0)
                return no_memory(err);
        if (c->publish && instance_option_set_list(&o, instance_option_find("publish"), c->publish, c->n_publish) < 0)
                return no_memory(err);
        *ret = o;
        o = (struct instance_options){};
        return 0;
}

/* ---- identity ---- */

/* 32 hexadecimal digits and a newline (machine-id(5)); whoever has none gets none. */
static bool has_machine_id(int root)
{
        own_fd int fd = -1, path = fd_open_in_root(root, "/etc/machine-id", O_PATH | O_NOFOLLOW);
        char proc[40], text[MACHINE_ID_LEN + 1];
        struct stat st;

        if (path < 0 || fstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < MACHINE_ID_LEN)
                return false;
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", path);
        fd = open(proc, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, MACHINE_ID_LEN) != MACHINE_ID_LEN)
                return false;
        text[MACHINE_ID_LEN] = '\0';
        return strspn(text, "0123456789abcdef") == MACHINE_ID_LEN;
}

/* As overlayfs would copy the directory up: the empty one stands above that of the image, and looks like it. */
static int copy_up_etc(int root, int upper)
{
        const char *const keep[] = { "security.capability", "security.selinux", "system.posix_acl_access",
                                     "system.posix_acl_default" };
        own_fd int from = fd_openat2(root, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_BENEATH);
        own_fd int to = -1;
        char value[4096];
        struct stat st;

        if (from < 0 || fstat(from, &st) < 0 || mkdirat(upper, "etc", 0700) < 0)
                return from < 0 ? from : -errno;
        to = openat(upper, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to < 0 || fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0)
                return -errno;
        for (size_t k = 0; k < ARRAY_SIZE(keep); k++) {
                ssize_t n = fgetxattr(from, keep[k], value, sizeof value);

                if (n > 0 && fsetxattr(to, keep[k], value, (size_t)n, 0) < 0 && errno != ENOTSUP && errno != EPERM)
                        return -errno;
        }
        return take_fd(&to);
}

static int write_machine_id(int root, int upper)
{
        char text[MACHINE_ID_LEN + 2];
        own_fd int etc = -1, fd = -1;
        int r = machine_id_make(text);

        if (r < 0)
                return r;
        etc = copy_up_etc(root, upper);
        if (etc < 0)
                return etc;
        fd = openat(etc, "machine-id", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, text, MACHINE_ID_LEN + 1);
        return r == 0 && fchmod(fd, 0444) < 0 ? -errno : r;
}

static int renew_identity(struct engine *e, struct instance *clone, struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        own_fd int upper = -1;
        int r = instance_root_open_image(e, clone, &root, err);

        if (r < 0 || !has_machine_id(root.fd))
                return r;
        if (clone->backend->is_machine)
                return machine_id_note(clone, err);
        upper = openat(clone->fd, clone->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = upper < 0 ? -errno : write_machine_id(root.fd, upper);
        return r < 0 ? error_errno(err, -r, "give %s a machine-id", clone->name) : 0;
}

/* ---- the clone ---- */

/* The root directory looks as it did. */
static int copy_root_attributes(const struct instance *clone, const struct snapshot *s, struct error *err)
{
        own_fd int fd = openat(clone->fd, clone->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0 || fchown(fd, s->uid, s->gid) < 0 || fchmod(fd, s->mode) < 0)
                return error_errno(err, errno, "make the directory of %s", clone->name);
        return 0;
}

/* What the clone stands on, and how its root looks. */
static int find_base(struct engine *e, struct instance *i, const struct clone_options *o, struct image_made *made,
                     struct snapshot *ret, struct error *err)
{
        const struct image_making making = { .freeze = true, .is_internal = true, .created_by = "holt clone" };
        struct stat st;
        int r;

        if (o->snapshot)
                return snapshot_find(e, i, o->snapshot, ret, err);
        if (fstatat(i->fd, i->upper, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, "look at what %s has written", i->name);
        r = instance_image_make(e, i, &making, made, err);
        *ret = (struct snapshot){ .image = made->id, .mode = st.st_mode & 07777, .uid = st.st_uid, .gid = st.st_gid };
        return r;
}

/* From then on it needs nothing of the original. Whoever dies on the way has made a linked clone. */
static int make_full(struct engine *e, struct instance *clone, struct error *err)
{
        const struct image_making making = {
                .full = true, .is_internal = true, .created_by = "holt clone --full", .owner = clone->id
        };
        own_image_made struct image_made made = { .pin = -1 };
        struct digest linked = clone->image;
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = instance_image_make(e, clone, &making, &made, err);
        if (r < 0)
                return r;
        clone->image = made.id;
        r = instance_save(clone, err);
        if (r == 0)
                r = store_image_hold_only(store, &clone->image, clone->id, err);
        return r == 0 ? image_drop_internal(e, &linked, err) : r;
}

static int clone_live(struct engine *e, struct instance *i, struct instance_options *options, struct instance **ret,
                      struct error *err)
{
        int r = vm_template_check(i, err);

        if (r == 0)
                r = vm_template_clone(e, i, options, ret, err);
        if (r == 0)
                instance_tell(e, i, "clone", (const char *const[]){ "clone", (*ret)->name, NULL });
        return r;
}

int instance_clone(struct engine *e, struct instance *i, const struct clone_options *o, struct instance **ret,
                   struct error *err)
{
        own_instance_options struct instance_options options = {};
        own_image_made struct image_made made = { .pin = -1 };
        own_mem struct image_info *image = NULL;
        own_instance struct instance *clone = NULL;
        struct snapshot base;
        struct error ignored;
        struct store *store;
        int r = instance_clone_options(i, o, &options, err);

        if (r == 0)
                r = instance_mounts_pin_images(i, &options, err);
        if (r == 0 && o->live)
                return clone_live(e, i, &options, ret, err);
        if (r == 0)
                r = instance_take_rights(e, i, i->id, err);
        if (r == 0)
                r = find_base(e, i, o, &made, &base, err);
        if (r == 0)
                r = engine_store(e, &store, err);
        if (r == 0)
                r = store_image_find(store, base.image.text, &image, err);
        if (r == 0)
                r = instance_create(e, image, i->image_name, &options, &clone, err);
        image_made_finish(&made);
        if (r < 0 || !clone)
                return r;
        r = copy_root_attributes(clone, &base, err);
        if (r == 0)
                r = renew_identity(e, clone, err);
        if (r == 0 && o->full)
                r = make_full(e, clone, err);
        if (r < 0) {
                instance_remove(e, clone, true, true, &ignored);
                return r;
        }
        instance_tell(e, i, "clone", (const char *const[]){ "clone", clone->name, NULL });
        *ret = take_ptr(clone);
        return 0;
}
