/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layer_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "store/layer_backing.h"
#include "sys/mount_tree.h"

enum { NAME_SIZE = 160, MEMORY_SIZE = 64 };

bool layer_mounts_is_mount(int fd)
{
        struct statx st;

        return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) == 0 &&
               st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

int layer_mounts_lock(const struct layer_mounts *m, struct error *err)
{
        own_fd int fd = openat(m->run, "layers.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd;

        while (r >= 0 && (r = flock(fd, LOCK_EX)) < 0 && errno == EINTR)
                continue;
        return r < 0 ? error_errno(err, errno, "lock the mounts of layers") : take_fd(&fd);
}

static int open_dir(const struct layer_mounts *m)
{
        int fd = openat(m->run, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int mount_dir(struct layer_mounts *m, struct error *err)
{
        static const char *const data[] = { "mode=0700", "size=16m", NULL };
        own_fd int lock = layer_mounts_lock(m, err), tmpfs = -1;
        int r;

        if (lock < 0)
                return lock;
        if (mkdirat(m->run, "layers", 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make the directory of the layers' mounts");
        m->dir = open_dir(m);
        if (m->dir < 0)
                return error_errno(err, -m->dir, "open the directory of the layers' mounts");
        if (layer_mounts_is_mount(m->dir))
                return 0;
        tmpfs = mount_new("tmpfs", "holt", data, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
        if (tmpfs < 0)
                return tmpfs;
        r = mount_attach(tmpfs, m->dir);
        if (r < 0)
                return error_errno(err, -r, "attach the tmpfs of the layers' mounts");
        close(m->dir);
        m->dir = open_dir(m);
        return m->dir < 0 ? error_errno(err, -m->dir, "open the directory of the layers' mounts") : 0;
}

int layer_mounts_open(const char *run, struct layer_mounts *ret, struct error *err)
{
        own_layer_mounts struct layer_mounts m = { .run = -1, .dir = -1 };
        int r = 0;

        if (geteuid() != 0)
                return error_set(err, EPERM, "mounting an image needs root, be it that of a user namespace");
        m.run = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (m.run < 0)
                return error_errno(err, errno, "open %s", run);
        m.dir = open_dir(&m);
        if (m.dir < 0 || !layer_mounts_is_mount(m.dir)) {
                if (m.dir >= 0)
                        close(take_fd(&m.dir));
                r = mount_dir(&m, err);
        }
        if (r < 0)
                return r;
        *ret = m;
        m.run = m.dir = -1;
        return 0;
}

void layer_mounts_close(struct layer_mounts *m)
{
        if (m->dir >= 0)
                close(m->dir);
        if (m->run >= 0)
                close(m->run);
        *m = (struct layer_mounts){ .run = -1, .dir = -1 };
}

void layer_mounts_recall(const struct layer_mounts *m, const char *name, char *text, size_t size)
{
        ssize_t n = readlinkat(m->dir, name, text, size - 1);

        text[n > 0 ? n : 0] = '\0';
}

int layer_mounts_remember(const struct layer_mounts *m, const char *name, const char *text, struct error *err)
{
        if ((unlinkat(m->dir, name, 0) < 0 && errno != ENOENT) || symlinkat(text, m->dir, name) < 0)
                return error_errno(err, errno, "write %s", name);
        return 0;
}

int layer_mounts_detach(const struct layer_mounts *m, const char *name, struct error *err)
{
        char path[NAME_SIZE + 32];
        int r;

        snprintf(path, sizeof path, "/proc/self/fd/%d/%s", m->dir, name);
        r = mount_detach(path);
        return r < 0 && r != -EINVAL && r != -ENOENT ? error_errno(err, -r, "unmount %s", name) : 0;
}

/* The names of the link beside the mount, and what it says of this file. */
static int identify(const char *hex, int image_fd, char name[NAME_SIZE], char text[MEMORY_SIZE], struct error *err)
{
        struct stat st;

        if (snprintf(name, NAME_SIZE, "%s.file", hex) >= NAME_SIZE)
                return error_set(err, ENAMETOOLONG, "layer %s", hex);
        if (fstat(image_fd, &st) < 0)
                return error_errno(err, errno, "look at the layer %s", hex);
        snprintf(text, MEMORY_SIZE, "%llx:%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
        return 0;
}

/* The root of the mount if it is there and of that file, else -ENOENT. */
static int find(const struct layer_mounts *m, const char *hex, const char *name, const char *expected)
{
        char text[MEMORY_SIZE];
        own_fd int root = -1;

        layer_mounts_recall(m, name, text, sizeof text);
        if (strcmp(text, expected) != 0)
                return -ENOENT;
        root = openat(m->dir, hex, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return root >= 0 && layer_mounts_is_mount(root) ? take_fd(&root) : -ENOENT;
}

/* Whatever is half there of an earlier one goes first. */
static int clear(const struct layer_mounts *m, const char *hex, const char *name, struct error *err)
{
        if (unlinkat(m->dir, name, 0) < 0 && errno != ENOENT)
                return error_errno(err, errno, "remove %s", name);
        return layer_mounts_detach(m, hex, err);
}

static int add(struct layer_mounts *m, const char *hex, const char *name, const char *text, int image_fd,
               struct error *err)
{
        own_fd int mount = -1;
        int r = clear(m, hex, name, err);

        if (r < 0)
                return r;
        /* Attaching it where mounts are passed on made it one of them; whoever did that may have died before this. */
        r = mount_set_attr(m->dir, false, 0, 0, MS_PRIVATE);
        if (r < 0)
                return error_errno(err, -r, "make the mounts of layers private");
        mount = layer_backing_mount(m, image_fd, err);
        if (mount == -EOPNOTSUPP)
                return mount;
        if (mount < 0)
                return error_wrap(err, "mount layer %.12s", hex);
        if (mkdirat(m->dir, hex, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make the mount point of layer %.12s", hex);
        r = layer_mounts_remember(m, name, text, err);
        if (r < 0)
                return r;
        r = mount_attach_at(mount, m->dir, hex);
        return r < 0 ? error_errno(err, -r, "attach layer %.12s", hex) : take_fd(&mount);
}

int layer_mounts_get(struct layer_mounts *m, const char *hex, int image_fd, struct error *err)
{
        char name[NAME_SIZE], text[MEMORY_SIZE];
        own_fd int lock = -1;
        int r = identify(hex, image_fd, name, text, err);

        if (r < 0)
                return r;
        r = find(m, hex, name, text);
        if (r >= 0)
                return r;
        lock = layer_mounts_lock(m, err);
        if (lock < 0)
                return lock;
        r = find(m, hex, name, text);
        return r >= 0 ? r : add(m, hex, name, text, image_fd, err);
}

int layer_mounts_remove(struct layer_mounts *m, const char *hex, struct error *err)
{
        char name[NAME_SIZE];
        own_fd int lock = layer_mounts_lock(m, err);
        int r;

        if (lock < 0)
                return lock;
        if (snprintf(name, NAME_SIZE, "%s.file", hex) >= NAME_SIZE)
                return error_set(err, ENAMETOOLONG, "layer %s", hex);
        r = clear(m, hex, name, err);
        if (r == 0 && unlinkat(m->dir, hex, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return error_errno(err, errno, "remove the mount point of layer %.12s", hex);
        return r;
}
