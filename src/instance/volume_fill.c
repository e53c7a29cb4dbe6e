/* SPDX-License-Identifier: Apache-2.0 */
/* What an image has at a volume's place is its first content. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_mounts.h"
#include "instance/volume_private.h"
#include "store/tar_extract.h"
#include "store/tar_tree.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

/* 1: nothing is in it; 0. */
static int is_empty(int data)
{
        own_fd int fd = volume_open_directory(data, ".");
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!dir)
                return -errno;
        take_fd(&fd);
        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        return 0;
        }
        return errno ? -errno : 1;
}

static int copy(int from, int data, struct error *err)
{
        const struct tar_tree_options source = { .dir = from, .name = ".", .as = "." };
        const struct tar_extract_options target = {
                .root = data, .base = ".", .root_attributes = true, .lenient = user_namespace_is_nested()
        };
        own_tar_tree struct tar_tree *tree = tar_tree_new(&source);
        own_tar_reader struct tar_reader *tar = tree ? tar_reader_new(tar_tree_read, NULL, tree) : NULL;

        return tar ? tar_extract(tar, &target, err) : error_set(err, ENOMEM, "out of memory");
}

/* What a killed one has begun is begun again. */
static int take_out(int fd, struct error *err)
{
        int r = user_namespace_remove_tree(fd, VOLUME_DATA, err);

        if (r == 0 && mkdirat(fd, VOLUME_DATA, 0755) < 0)
                r = error_errno(err, errno, "make a volume again");
        return r;
}

static int fill(int fd, int from, struct error *err)
{
        bool begun = faccessat(fd, VOLUME_FILLING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        own_fd int data = -1, mark = -1;
        int r = begun ? take_out(fd, err) : 0;

        if (r < 0)
                return r;
        data = volume_open_directory(fd, VOLUME_DATA);
        r = data < 0 ? data : is_empty(data);
        if (r <= 0)
                return r < 0 ? error_errno(err, -r, "look into the volume") : 0;
        mark = openat(fd, VOLUME_FILLING, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (mark < 0)
                return error_errno(err, errno, "fill the volume");
        r = copy(from, data, err);
        if (r == 0 && unlinkat(fd, VOLUME_FILLING, 0) < 0)
                r = error_errno(err, errno, "fill the volume");
        return r;
}

int volume_provide(struct engine *e, const char *name, bool anonymous, int from, struct error *err)
{
        own_fd int dir = volume_open_all(e, err), fd = -1;
        bool there;
        int r = 0;

        if (dir < 0)
                return dir;
        fd = volume_lock(dir, name, true, err);
        if (fd < 0)
                return fd;
        there = volume_is_complete(fd);
        if (!there)
                r = volume_complete(fd, name, anonymous, NULL, NULL, err);
        if (r == 0 && !there)
                volume_tell(e, "create", name);
        if (r == 0 && from >= 0)
                r = fill(fd, from, err);
        return r < 0 ? error_wrap(err, "volume %s", name) : 0;
}

int volume_mount(struct engine *e, const char *name, struct error *err)
{
        own_fd int dir = volume_open_all(e, err), fd = -1, data = -1;
        own_volume_info struct volume_info v = {};
        int r;

        if (dir < 0)
                return dir;
        fd = volume_lock(dir, name, false, err);
        r = fd < 0 ? fd : volume_read_info(e, fd, name, &v, err);
        if (r < 0 || !v.driver.type)
                return r;
        data = volume_open_directory(fd, VOLUME_DATA);
        return data < 0 ? error_errno(err, -data, "open volume %s", name)
                        : volume_driver_mount(&v.driver, data, name, err);
}

/* ---- of an instance ---- */

/* What the image has at the volume's place; -1: nothing. A link there leads no further than the image's root. */
static int open_content(int root, const struct instance_mount *m)
{
        int fd = m->nocopy ? -1 : fd_open_in_root(root, m->destination, O_PATH | O_DIRECTORY);

        return fd < 0 ? -1 : fd;
}

int instance_volumes_prepare(struct engine *e, struct instance *i, int root, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        int r = instance_mounts_load(i->fd, &m, err);

        for (size_t k = 0; r == 0 && k < m.n; k++) {
                own_fd int from = -1;

                if (strcmp(m.items[k].type, "volume") != 0)
                        continue;
                if (m.items[k].mounted) {
                        r = volume_mount(e, m.items[k].name, err);
                        i->has_mounted = true;
                        continue;
                }
                from = open_content(root, &m.items[k]);
                r = volume_provide(e, m.items[k].name, m.items[k].anonymous, from, err);
        }
        return r;
}
