/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

static int open_parent(const char *root, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/instances", root) < 0)
                return error_set(err, ENOMEM, "out of memory");
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make %s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

static int make_id(char id[INSTANCE_ID_LEN + 1], struct error *err)
{
        unsigned char bytes[INSTANCE_ID_LEN / 2];

        if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
                return error_errno(err, errno, "get random bytes");
        for (size_t i = 0; i < sizeof bytes; i++)
                snprintf(id + i * 2, 3, "%02x", bytes[i]);
        return 0;
}

static int make_directory(int dir, const char *name, mode_t mode, struct error *err)
{
        int fd;

        if (mkdirat(dir, name, mode) < 0)
                return error_errno(err, errno, "make the instance's directory %s", name);
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open the instance's directory %s", name) : fd;
}

/* Letters, digits and "_.-" behind a first letter or digit, as Docker has them; no id. */
static int check_name(const char *name, struct error *err)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
        size_t n = strspn(name, letters);

        if (name[n] || n < 2 || n >= INSTANCE_ID_LEN || strchr("_.-", name[0]))
                return error_set(err, EINVAL, "\"%s\" is no name for an instance: 2 to 63 of [a-zA-Z0-9_.-]", name);
        return 0;
}

static int take_name(struct instance_dir *d, const char *name, struct error *err)
{
        struct stat st;

        if (!name)
                return 0;
        /* Of one who was killed. */
        if (fstatat(d->parent, name, &st, 0) < 0 && errno == ENOENT)
                unlinkat(d->parent, name, 0);
        if (symlinkat(d->id, d->parent, name) < 0)
                return errno == EEXIST ? error_set(err, EEXIST, "an instance with the name %s is there already", name)
                                       : error_errno(err, errno, "take the name %s", name);
        d->name = name;
        return 0;
}

static int fill(struct instance_dir *d, const char *name, struct error *err)
{
        int r;

        d->upper = make_directory(d->fd, "upper", 0755, err);
        if (d->upper < 0)
                return d->upper;
        d->work = make_directory(d->fd, "work", 0700, err);
        if (d->work < 0)
                return d->work;
        r = fchmod(d->upper, 0755) < 0 ? error_errno(err, errno, "set a mode") : 0;
        return r == 0 ? take_name(d, name, err) : r;
}

int instance_dir_make(const char *root, const char *name, struct instance_dir *ret, struct error *err)
{
        own_instance_dir struct instance_dir d = { .parent = -1, .fd = -1, .upper = -1, .work = -1 };
        struct error ignored;
        int r = name ? check_name(name, err) : 0;

        if (r == 0)
                r = make_id(d.id, err);
        if (r == 0)
                r = d.parent = open_parent(root, err);
        if (r < 0)
                return r;
        if (asprintf(&d.path, "%s/instances/%s", root, d.id) < 0)
                return error_set(err, ENOMEM, "out of memory");
        /* No sweeper may meet it before it is locked. */
        if (flock(d.parent, LOCK_SH) < 0)
                return error_errno(err, errno, "lock the instances");
        d.fd = make_directory(d.parent, d.id, 0700, err);
        if (d.fd < 0)
                return d.fd;
        r = flock(d.fd, LOCK_EX) < 0 ? error_errno(err, errno, "lock the instance") : fill(&d, name, err);
        flock(d.parent, LOCK_UN);
        if (r < 0) {
                instance_dir_remove(&d, &ignored);
                return r;
        }
        *ret = d;
        d = (struct instance_dir){ .parent = -1, .fd = -1, .upper = -1, .work = -1 };
        return 0;
}

int instance_dir_write(const struct instance_dir *d, const char *name, const char *text, struct error *err)
{
        own_fd int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

        if (r == 0 && fchmod(fd, 0644) < 0)
                r = -errno;
        return r < 0 ? error_errno(err, -r, "write the instance's %s", name) : 0;
}

int instance_dir_remove(struct instance_dir *d, struct error *err)
{
        if (d->name)
                unlinkat(d->parent, d->name, 0);
        return user_namespace_remove_tree(d->parent, d->id, err);
}

void instance_dir_close(struct instance_dir *d)
{
        const int fds[] = { d->upper, d->work, d->fd, d->parent };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
        free(d->path);
        *d = (struct instance_dir){ .parent = -1, .fd = -1, .upper = -1, .work = -1 };
}

/* ---- what killed ones have left ---- */

struct sweep {
        int parent;
        int (*each)(void *userdata, const char *id, struct error *err);
        void *userdata;
};

/* Locked by us, or -1 when it has an owner. */
static int lock_orphan(int parent, const char *id)
{
        own_fd int fd = openat(parent, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? take_fd(&fd) : -1;
}

static void forget_name(int parent, const char *name)
{
        struct stat st;

        if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
            fstatat(parent, name, &st, 0) < 0 && errno == ENOENT)
                unlinkat(parent, name, 0);
}

static int sweep_one(const struct sweep *s, const char *id, struct error *err)
{
        own_fd int orphan = lock_orphan(s->parent, id);
        int r;

        if (orphan < 0)
                return 0;
        r = s->each(s->userdata, id, err);
        return r < 0 ? r : user_namespace_remove_tree(s->parent, id, err);
}

int instance_dir_sweep(const char *root, int (*each)(void *userdata, const char *id, struct error *err), void *userdata,
                       struct error *err)
{
        struct sweep s = { .parent = open_parent(root, err), .each = each, .userdata = userdata };
        own_dir DIR *dir = s.parent < 0 ? NULL : fdopendir(s.parent);
        struct dirent *e;
        int r = 0, one;

        if (s.parent < 0)
                return s.parent;
        if (!dir) {
                close(s.parent);
                return error_set(err, ENOMEM, "out of memory");
        }
        while ((e = readdir(dir))) {
                if (strlen(e->d_name) != INSTANCE_ID_LEN) {
                        forget_name(s.parent, e->d_name);
                        continue;
                }
                /* Nobody is making one: then those that nobody has locked are orphans. */
                if (flock(s.parent, LOCK_EX | LOCK_NB) < 0)
                        break;
                one = sweep_one(&s, e->d_name, err);
                r = one < 0 ? one : r;
        }
        return r;
}
