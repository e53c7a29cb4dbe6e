/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_mounts.h"
#include "instance/instance_name.h"
#include "instance/instance_record.h"
#include "instance/volume_private.h"
#include "sys/user_namespace.h"

/* Whether what is kept of the instance names the volume. A lock of the volume may be held: nothing here waits. */
static bool has_volume(int dir, const char *id, const char *name)
{
        own_instance_mounts struct instance_mounts m = {};
        own_fd int fd = volume_open_directory(dir, id);

        if (fd < 0 || instance_mounts_load(fd, &m, NULL) < 0)
                return false;
        for (size_t i = 0; i < m.n; i++) {
                if (m.items[i].name && strcmp(m.items[i].name, name) == 0)
                        return true;
        }
        return false;
}

/* 1: another instance than `but` (NULL: any) has it, *ret_id says which; 0. run: RUN/instances, only those count that
 * run or are being started; -1: all. */
static int find_user(struct engine *e, const char *name, const char *but, int run, char ret_id[INSTANCE_ID_LEN + 1],
                     struct error *err)
{
        int fd = engine_open_instances(e, err);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *d;

        if (!dir)
                return fd < 0 ? fd : error_errno(err, errno, "read %s/instances", e->root);
        while ((errno = 0, d = readdir(dir))) {
                if (!instance_is_id(d->d_name) || (but && strcmp(d->d_name, but) == 0))
                        continue;
                if (run >= 0 && faccessat(run, d->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (has_volume(dirfd(dir), d->d_name, name)) {
                        memcpy(ret_id, d->d_name, INSTANCE_ID_LEN + 1);
                        return 1;
                }
        }
        return errno ? error_errno(err, errno, "read %s/instances", e->root) : 0;
}

/* -EBUSY. */
static int check_unused(struct engine *e, const char *name, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        own_instance struct instance *i = NULL;
        char id[INSTANCE_ID_LEN + 1];
        int r = dir < 0 ? dir : find_user(e, name, NULL, -1, id, err);

        if (r <= 0)
                return r;
        return error_set(err, EBUSY, "volume %s is used by instance %s: remove that first", name,
                         instance_load(e, dir, id, &i, NULL) == 0 ? i->name : id);
}

int volume_is_used(struct engine *e, const char *name, struct error *err)
{
        char id[INSTANCE_ID_LEN + 1];

        return find_user(e, name, NULL, -1, id, err);
}

static int unmount(struct engine *e, const char *name, struct error *err)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/volumes/%s/" VOLUME_DATA, e->root, name) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return volume_driver_unmount(path, err);
}

/* Of a locked one: nobody's before anything of it is gone. What is mounted there is not its own. */
static int erase(struct engine *e, int dir, const char *name, int fd, struct error *err)
{
        int r = unmount(e, name, err);

        if (r < 0)
                return r;
        if (unlinkat(fd, VOLUME_CONFIG, 0) < 0 && errno != ENOENT)
                return error_errno(err, errno, "remove volume %s", name);
        return user_namespace_remove_tree(dir, name, err);
}

void volume_sweep(struct engine *e, int dir, const char *name)
{
        own_fd int fd = volume_open_directory(dir, name);
        struct error ignored;

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && volume_is_still(dir, name, fd) && !volume_is_complete(fd))
                erase(e, dir, name, fd, &ignored);
}

int volume_remove(struct engine *e, const char *name, bool force, struct error *err)
{
        own_fd int dir = volume_open_all(e, err), fd = -1;
        int r;

        if (dir < 0)
                return dir;
        if (volume_check_name(name, NULL) < 0)
                return force ? 0 : error_set(err, ENOENT, "no such volume: %s (holt volume ls lists them)", name);
        fd = volume_lock(dir, name, false, err);
        if (fd == -ENOENT && force)
                return 0;
        if (fd < 0)
                return fd;
        r = volume_is_complete(fd) ? check_unused(e, name, err) : 0;
        if (r == 0)
                r = erase(e, dir, name, fd, err);
        if (r == 0)
                volume_tell(e, "destroy", name);
        return r;
}

/* ---- of an instance ---- */

int instance_volumes_remove(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int dir = -1;
        own_instance_mounts struct instance_mounts m = {};
        char other[INSTANCE_ID_LEN + 1];
        int r = i->fd < 0 ? 0 : instance_mounts_load(i->fd, &m, err);

        if (r < 0 || !m.n)
                return r;
        dir = volume_open_all(e, err);
        if (dir < 0)
                return dir;
        for (size_t k = 0; r == 0 && k < m.n; k++) {
                own_fd int fd = -1;

                if (!m.items[k].anonymous)
                        continue;
                fd = volume_lock(dir, m.items[k].name, false, err);
                r = fd == -ENOENT ? 1 : fd < 0 ? fd : find_user(e, m.items[k].name, i->id, -1, other, err);
                if (r == 0)
                        r = erase(e, dir, m.items[k].name, fd, err);
                if (r == 0)
                        volume_tell(e, "destroy", m.items[k].name);
                r = r > 0 ? 0 : r;
        }
        return r;
}

int instance_volumes_look(struct engine *e, struct instance *i, int (*each)(void *userdata, const char *name),
                          void *userdata, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        char other[INSTANCE_ID_LEN + 1];
        int r = i->fd < 0 ? 0 : instance_mounts_load(i->fd, &m, err);

        for (size_t k = 0; r >= 0 && k < m.n; k++) {
                if (!m.items[k].anonymous)
                        continue;
                r = find_user(e, m.items[k].name, i->id, -1, other, err);
                if (r == 0)
                        r = each(userdata, m.items[k].name);
        }
        return r < 0 ? r : 0;
}

int instance_volumes_unmount(struct engine *e, struct instance *i, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        own_fd int run = -1, dir = -1;
        char other[INSTANCE_ID_LEN + 1];
        int r = 0;

        if (i->fd < 0 || (!i->damage && !i->options.volume && !i->options.mount && !i->options.volumes_from))
                return 0;
        r = instance_mounts_load(i->fd, &m, err);
        /* That may be damaged, too: nobody can say then which ones it has. */
        if (r < 0 && i->damage)
                return 0;
        for (size_t k = 0; r == 0 && k < m.n; k++) {
                own_fd int fd = -1;

                if (!m.items[k].mounted)
                        continue;
                if (dir < 0 && ((dir = volume_open_all(e, err)) < 0 || (run = engine_open_run(e, err)) < 0))
                        return -err->code;
                /* Whoever starts has an entry in RUN before it mounts, under this lock. */
                fd = volume_lock(dir, m.items[k].name, false, err);
                r = fd == -ENOENT ? 1 : fd < 0 ? fd : find_user(e, m.items[k].name, i->id, run, other, err);
                if (r == 0)
                        r = unmount(e, m.items[k].name, err);
                r = r > 0 ? 0 : r;
        }
        return r;
}
