/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/instance_event.h"
#include "instance/instance_image_make.h"
#include "instance/instance_lock.h"
#include "instance/instance_name.h"
#include "instance/instance_record.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

enum { MAX_RECORD = 1 << 16, OWNER_SIZE = INSTANCE_ID_LEN + 1 + 256 };

#define DIRECTORY "snapshots"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static void owner_of(const struct instance *i, const char *name, char ret[OWNER_SIZE])
{
        snprintf(ret, OWNER_SIZE, "%s/%s", i->id, name);
}

/* ---- records ---- */

/* -ENOENT unless make. */
static int open_snapshots(const struct instance *i, bool make, struct error *err)
{
        int fd;

        if (make && mkdirat(i->fd, DIRECTORY, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make the directory of %s's snapshots", i->name);
        fd = openat(i->fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "the snapshots of %s", i->name) : fd;
}

static int read_members(struct json_object *obj, struct snapshot *s, struct error *err)
{
        const char *image = "";
        int r = json_get_string(obj, "image", &image, err);

        if (r >= 0)
                r = digest_parse(image, &s->image, err);
        if (r >= 0)
                r = json_get_i64(obj, "created", &s->created, err);
        if (r >= 0)
                r = json_get_u64(obj, "size", &s->size, err);
        if (r >= 0)
                r = json_get_u32(obj, "mode", &s->mode, err);
        if (r >= 0)
                r = json_get_u32(obj, "uid", &s->uid, err);
        return r >= 0 ? json_get_u32(obj, "gid", &s->gid, err) : r;
}

static int read_record(const struct instance *i, int dir, const char *name, struct snapshot *ret, struct error *err)
{
        own_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_json struct json_object *obj = NULL;
        own_buf struct buf text = {};
        struct snapshot s = {};
        int r;

        if (fd < 0 && errno == ENOENT)
                return error_set(err, ENOENT, "%s has no snapshot %s", i->name, name);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_RECORD, &text);
        if (r < 0)
                return error_errno(err, -r, "read snapshot %s/%s", i->name, name);
        r = json_parse(buf_str(&text), text.len, &obj, err);
        if (r == 0)
                r = json_is_object(obj) ? read_members(obj, &s, err) : error_set(err, EINVAL, "no object");
        if (r < 0)
                return error_wrap(err, "snapshot %s/%s", i->name, name);
        snprintf(s.name, sizeof s.name, "%s", name);
        *ret = s;
        return 0;
}

static int write_record(int dir, const struct snapshot *s, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "image", s->image.text);
        json_write_i64(&w, "created", s->created);
        json_write_u64(&w, "size", s->size);
        json_write_u64(&w, "mode", s->mode);
        json_write_u64(&w, "uid", s->uid);
        json_write_u64(&w, "gid", s->gid);
        json_end_object(&w);
        r = buf_failed(&text) ? -ENOMEM : fd_replace_file_at(dir, s->name, text.data, text.len, 0600);
        return r < 0 ? error_errno(err, -r, "write snapshot %s", s->name) : 0;
}

int snapshot_find(struct engine *e, struct instance *i, const char *name, struct snapshot *ret, struct error *err)
{
        own_fd int dir = open_snapshots(i, false, err);

        if (dir == -ENOENT || instance_name_check(name, NULL) < 0)
                return error_set(err, ENOENT, "%s has no snapshot %s", i->name, name);
        return dir < 0 ? dir : read_record(i, dir, name, ret, err);
}

/* ---- lists ---- */

struct list {
        struct snapshot *items;
        size_t n, cap;
};

static int by_age(const void *a, const void *b)
{
        const struct snapshot *x = a, *y = b;

        return (x->created > y->created) - (x->created < y->created);
}

static int read_list(const struct instance *i, struct list *l, struct error *err)
{
        int fd = open_snapshots(i, false, err);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *d;

        if (!dir)
                return fd == -ENOENT ? 0 : fd < 0 ? fd : no_memory(err);
        while ((errno = 0, d = readdir(dir))) {
                struct snapshot s;
                int r;

                if (instance_name_check(d->d_name, NULL) < 0)
                        continue;
                r = read_record(i, dirfd(dir), d->d_name, &s, err);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                if (array_grow(&l->items, &l->cap, l->n + 1, sizeof *l->items) < 0)
                        return no_memory(err);
                l->items[l->n++] = s;
        }
        if (errno)
                return error_errno(err, errno, "read the snapshots of %s", i->name);
        if (l->n)
                qsort(l->items, l->n, sizeof *l->items, by_age);
        return 0;
}

int snapshot_each(struct engine *e, struct instance *i, int (*each)(void *userdata, const struct snapshot *s),
                  void *userdata, struct error *err)
{
        struct list l = {};
        int r = read_list(i, &l, err);

        for (size_t k = 0; r == 0 && k < l.n; k++)
                r = each(userdata, &l.items[k]);
        free(l.items);
        return r;
}

/* ---- who needs it ---- */

struct users {
        const struct engine *e;
        struct buf *out;
        int dir; /* ROOT/instances */
};

/* Snapshots that have the same image keep it themselves. */
static int add_user(void *userdata, const char *owner)
{
        own_instance struct instance *i = NULL;
        struct users *u = userdata;

        if (!instance_is_id(owner))
                return 0;
        buf_addf(u->out, "%s%s", u->out->len ? ", " : "",
                 instance_load(u->e, u->dir, owner, &i, NULL) == 0 ? i->name : owner);
        return 0;
}

int snapshot_users(struct engine *e, const struct instance *i, const struct snapshot *s, struct buf *out,
                   struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        struct users u = { e, out, dir };
        struct store *store;
        int r = dir < 0 ? dir : engine_store(e, &store, err);

        if (r == 0)
                r = store_image_owners(store, &s->image, add_user, &u, err);
        return r == 0 && buf_failed(out) ? no_memory(err) : r;
}

/* ---- creating ---- */

static int choose_name(int dir, char ret[256])
{
        for (unsigned n = 0; n < 1000000; n++) {
                snprintf(ret, 256, "snap%u", n);
                if (faccessat(dir, ret, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                        return 0;
        }
        return -EEXIST;
}

static int check_name(const struct instance *i, int dir, const char *name, struct snapshot *s, struct error *err)
{
        int r;

        if (!name)
                return choose_name(dir, s->name) < 0 ? error_set(err, EEXIST, "too many snapshots") : 0;
        r = instance_name_check(name, err);
        if (r < 0)
                return r;
        if (strlen(name) >= sizeof s->name)
                return error_set(err, ENAMETOOLONG, "the name %s is too long", name);
        if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return error_set(err, EEXIST, "%s has a snapshot %s already", i->name, name);
        snprintf(s->name, sizeof s->name, "%s", name);
        return 0;
}

static int note_root(const struct instance *i, struct snapshot *s, struct error *err)
{
        struct stat st;

        if (fstatat(i->fd, i->upper, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return error_errno(err, errno, "look at what %s has written", i->name);
        s->mode = st.st_mode & 07777;
        s->uid = st.st_uid;
        s->gid = st.st_gid;
        return 0;
}

static int note_size(struct snapshot *s, const struct image_made *made, struct error *err)
{
        struct stat st;

        if (fstat(made->pin, &st) < 0)
                return error_errno(err, errno, "look at the snapshot's layer");
        s->size = (uint64_t)st.st_size;
        return 0;
}

static int make_image(struct engine *e, struct instance *i, struct snapshot *s, struct error *err)
{
        char owner[OWNER_SIZE];
        const struct image_making o = {
                .freeze = true, .is_internal = true, .created_by = "holt snapshot", .owner = owner
        };
        own_image_made struct image_made made = { .pin = -1 };
        int r;

        owner_of(i, s->name, owner);
        r = instance_image_make(e, i, &o, &made, err);
        if (r < 0)
                return r;
        s->image = made.id;
        s->created = instance_now();
        return note_size(s, &made, err);
}

/* The instance may have been removed meanwhile, and what was kept for it before that. */
static void forget_image(struct engine *e, const struct instance *i, const struct snapshot *s)
{
        char owner[OWNER_SIZE];
        struct error ignored;
        struct store *store;

        owner_of(i, s->name, owner);
        if (engine_store(e, &store, &ignored) == 0 && store_image_release(store, owner, &ignored) == 0)
                image_drop_internal(e, &s->image, &ignored);
}

/* One at a time, so that no two take the same name. */
static int lock_snapshots(int dir, struct error *err)
{
        while (flock(dir, LOCK_EX) < 0) {
                if (errno != EINTR)
                        return error_errno(err, errno, "lock the snapshots");
        }
        return 0;
}

int snapshot_create(struct engine *e, struct instance *i, const char *name, struct snapshot *ret, struct error *err)
{
        own_fd int dir = -1;
        struct snapshot s = {};
        int r;

        if (i->options.rm)
                return error_set(err, EINVAL, "%s is removed at its end (--rm), and its snapshots would be: commit it",
                                 i->name);
        r = instance_take_rights(e, i, i->id, err);
        if (r == 0)
                r = dir = open_snapshots(i, true, err);
        if (r >= 0)
                r = lock_snapshots(dir, err);
        if (r >= 0)
                r = check_name(i, dir, name, &s, err);
        if (r >= 0)
                r = note_root(i, &s, err);
        if (r >= 0)
                r = make_image(e, i, &s, err);
        /* Whoever dies here leaves an image that the instance takes with it, or the next snapshot of that name. */
        if (r >= 0) {
                r = write_record(dir, &s, err);
                if (r < 0)
                        forget_image(e, i, &s);
        }
        if (r < 0)
                return r;
        instance_tell(e, i, "snapshot", (const char *const[]){ "snapshot", s.name, NULL });
        *ret = s;
        return 0;
}

/* ---- removing ---- */

/* The name first: an image that is kept for nothing goes with the instance. */
static int remove_one(struct engine *e, const struct instance *i, int dir, const struct snapshot *s, struct error *err)
{
        char owner[OWNER_SIZE];
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r < 0)
                return r;
        if (unlinkat(dir, s->name, 0) < 0 && errno != ENOENT)
                return error_errno(err, errno, "remove snapshot %s/%s", i->name, s->name);
        owner_of(i, s->name, owner);
        r = store_image_release(store, owner, err);
        return r == 0 ? image_drop_internal(e, &s->image, err) : r;
}

int snapshot_remove(struct engine *e, struct instance *i, const char *name, bool force, struct error *err)
{
        own_buf struct buf users = {};
        own_fd int dir = -1;
        struct snapshot s;
        int r = snapshot_find(e, i, name, &s, err);

        if (r == 0)
                r = dir = open_snapshots(i, false, err);
        if (r >= 0)
                r = snapshot_users(e, i, &s, &users, err);
        if (r >= 0 && users.len && !force)
                r = error_set(err, EBUSY,
                              "snapshot %s/%s is needed by %s: remove that first, or use --force to take away its name "
                              "alone",
                              i->name, name, buf_str(&users));
        if (r >= 0)
                r = remove_one(e, i, dir, &s, err);
        if (r == 0)
                instance_tell(e, i, "snapshot_remove", (const char *const[]){ "snapshot", name, NULL });
        return r;
}

int snapshot_remove_all(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int dir = i->fd < 0 ? -ENOENT : open_snapshots(i, false, err);
        struct list l = {};
        int r = dir == -ENOENT ? 0 : dir < 0 ? dir : read_list(i, &l, err);

        for (size_t k = 0; r == 0 && k < l.n; k++)
                r = remove_one(e, i, dir, &l.items[k], err);
        free(l.items);
        return r;
}

/* ---- restoring ---- */

/* A name that no directory has. */
static int make_upper(const struct instance *i, const struct snapshot *s, char **ret, struct error *err)
{
        own_mem char *name = NULL;
        own_fd int fd = -1;

        for (unsigned n = 1; !name; n++) {
                if (asprintf(&name, "upper.%u", n) < 0) {
                        name = NULL;
                        return no_memory(err);
                }
                if (mkdirat(i->fd, name, 0700) == 0)
                        break;
                if (errno != EEXIST)
                        return error_errno(err, errno, "make %s's directory", i->name);
                free(take_ptr(name));
        }
        fd = openat(i->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchown(fd, s->uid, s->gid) < 0 || fchmod(fd, s->mode) < 0)
                return error_errno(err, errno, "make %s's directory", i->name);
        *ret = take_ptr(name);
        return 0;
}

/*
 * The instance's configuration says at once what it stands on, and where it writes. Before that the store has been told
 * that both images are needed; whoever dies in between has restored it or not.
 */
static int restore(struct engine *e, struct instance *i, const struct snapshot *s, struct error *err)
{
        struct digest before = i->image;
        own_mem char *old = NULL, *new = NULL;
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = store_image_hold(store, &s->image, i->id, err);
        if (r == 0)
                r = make_upper(i, s, &new, err);
        if (r < 0)
                return r;
        r = instance_lock_config(e, i, err);
        if (r < 0)
                return r;
        old = i->upper;
        i->upper = take_ptr(new);
        i->image = s->image;
        r = instance_save(i, err);
        flock(i->fd, LOCK_UN);
        if (r < 0)
                return r;
        r = user_namespace_remove_tree(i->fd, old, err);
        if (r == 0)
                r = store_image_hold_only(store, &s->image, i->id, err);
        return r == 0 ? image_drop_internal(e, &before, err) : r;
}

int snapshot_restore(struct engine *e, struct instance *i, const char *name, struct error *err)
{
        struct snapshot s;
        int r = snapshot_find(e, i, name, &s, err);

        if (r == 0)
                r = instance_take_rights(e, i, NULL, err);
        if (r < 0)
                return r;
        if (instance_is_running(i))
                return error_set(err, EBUSY, "instance %s is %s: stop it first, or use --force", i->name,
                                 instance_status_name(i->state.status));
        if (i->lock < 0) {
                r = instance_lock_stopped(e, i, err);
                if (r < 0)
                        return error_wrap(err, "instance %s", i->name);
        }
        r = restore(e, i, &s, err);
        instance_unlock(e, i->id, &i->lock);
        if (r == 0)
                instance_tell(e, i, "restore", (const char *const[]){ "snapshot", name, NULL });
        return r;
}
