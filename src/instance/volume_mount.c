/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/volume_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/mount_tree.h"
#include "sys/user_namespace.h"

enum { MAX_TRIES = 64 };

/* ---- --opt ---- */

static int check(const struct volume_driver *d, struct error *err)
{
        if (!d->type && !d->device && !*d->options)
                return 0;
        if (!d->type || !*d->type)
                return error_set(err, EINVAL, "--opt: \"type=\" is missing: tmpfs, nfs, none for a bind ...");
        if (!d->device || !*d->device)
                return error_set(err, EINVAL, "--opt: \"device=\" is missing");
        return 0;
}

int volume_driver_read(const char *const *list, struct volume_driver *ret, struct error *err)
{
        struct volume_driver d = { .options = "" };
        int r;

        for (; list && *list; list++) {
                if (strncmp(*list, "type=", 5) == 0)
                        d.type = *list + 5;
                else if (strncmp(*list, "device=", 7) == 0)
                        d.device = *list + 7;
                else if (strncmp(*list, "o=", 2) == 0)
                        d.options = *list + 2;
                else
                        return error_set(err, EINVAL, "--opt \"%s\": must be type=, device= or o=", *list);
        }
        r = check(&d, err);
        if (r == 0)
                *ret = d;
        return r;
}

/* ---- mounting ---- */

struct mount_options {
        uint64_t set;
        bool bind, recursive;
        const char **data; /* malloc'ed */
        char *words;       /* what they point into */
};

static void options_finish(struct mount_options *o)
{
        free(o->data);
        free(o->words);
}

/* Those of the mount itself; all others are the file system's. */
static bool take_flag(struct mount_options *o, const char *word)
{
        static const struct {
                const char *word;
                uint64_t set;
        } flags[] = {
                { "ro", MOUNT_ATTR_RDONLY },
                { "nosuid", MOUNT_ATTR_NOSUID },
                { "nodev", MOUNT_ATTR_NODEV },
                { "noexec", MOUNT_ATTR_NOEXEC },
                { "noatime", MOUNT_ATTR_NOATIME },
                { "nodiratime", MOUNT_ATTR_NODIRATIME },
                { "rw", 0 },
                { "suid", 0 },
                { "dev", 0 },
                { "exec", 0 },
                { "relatime", 0 },
                { "defaults", 0 },
        };

        if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0) {
                o->bind = true;
                o->recursive = *word == 'r';
                return true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                if (strcmp(word, flags[i].word) == 0) {
                        o->set |= flags[i].set;
                        return true;
                }
        }
        return false;
}

static int read_options(const struct volume_driver *d, struct mount_options *o, struct error *err)
{
        char *rest, *word;
        size_t n = 0;

        o->words = rest = strdup(d->options);
        o->data = calloc(strlen(d->options) / 2 + 2, sizeof *o->data);
        if (!o->words || !o->data)
                return error_set(err, ENOMEM, "out of memory");
        while ((word = strsep(&rest, ","))) {
                if (*word && !take_flag(o, word))
                        o->data[n++] = word;
        }
        if (o->bind && n)
                return error_set(err, EINVAL, "\"%s\" is no option of a bind", o->data[0]);
        return 0;
}

/* What the host mounted below the directory a user may not see without it. */
static int open_bind(const struct volume_driver *d, const struct mount_options *o, struct error *err)
{
        bool recursive = o->recursive || user_namespace_is_nested();
        own_fd int fd = *d->device == '/' ? mount_clone(AT_FDCWD, d->device, recursive) : -EINVAL;
        struct stat st;
        int r;

        if (fd < 0)
                return error_errno(err, -fd, "bind %s", d->device);
        if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
                return error_set(err, ENOTDIR, "bind %s: no directory", d->device);
        r = mount_set_attr(fd, true, o->set, 0, MS_PRIVATE);
        return r < 0 ? error_errno(err, -r, "bind %s", d->device) : take_fd(&fd);
}

static bool is_bind(const struct volume_driver *d, const struct mount_options *o)
{
        return o->bind || strcmp(d->type, "bind") == 0;
}

/* What is mounted in a user's namespace no other start of his would see: what is in the memory of one only. */
static int make_tree(const struct volume_driver *d, const struct mount_options *o, struct error *err)
{
        int r;

        if (is_bind(d, o))
                return open_bind(d, o, err);
        if (user_namespace_is_nested() && strcmp(d->type, "tmpfs") == 0)
                return error_set(err, EPERM,
                                 "an ordinary user's instances cannot share a tmpfs: give each one by "
                                 "--tmpfs");
        r = mount_new(d->type, d->device, o->data, o->set, err);
        if (r == -EPERM && user_namespace_is_nested())
                return error_set(err, EPERM, "the kernel lets an ordinary user mount no %s", d->type);
        return r;
}

static bool is_mounted(int data)
{
        struct statx st;

        return statx(data, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
               st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

int volume_driver_mount(const struct volume_driver *d, int data, const char *name, struct error *err)
{
        __attribute__((cleanup(options_finish))) struct mount_options o = {};
        own_fd int tree = -1;
        int r;

        if (is_mounted(data))
                return 0;
        r = read_options(d, &o, err);
        if (r == 0)
                r = tree = make_tree(d, &o, err);
        if (r >= 0 && (r = mount_attach(tree, data)) < 0)
                error_errno(err, -r, "attach it");
        return r < 0 ? error_wrap(err, "mount volume %s", name) : 0;
}

int volume_driver_unmount(const char *path, struct error *err)
{
        for (unsigned n = 0; n < MAX_TRIES; n++) {
                own_fd int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0 || !is_mounted(fd))
                        return fd < 0 && errno != ENOENT ? error_errno(err, errno, "open %s", path) : 0;
                close(take_fd(&fd));
                if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
                        return error_errno(err, errno, "unmount %s", path);
        }
        return error_set(err, EBUSY, "unmount %s: there is always another one", path);
}
