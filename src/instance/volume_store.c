/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/volume_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/event.h"
#include "instance/instance_name.h"
#include "sys/fd.h"

enum { MAX_CONFIG = 1 << 20, MAX_NAME = 255 };

void volume_info_finish(struct volume_info *v)
{
        arena_finish(&v->arena);
        *v = (struct volume_info){};
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

void volume_tell(struct engine *e, const char *action, const char *name)
{
        static const char *const attributes[] = { "driver", "local", NULL };
        const struct event ev = {
                .type = "volume", .action = action, .id = name, .name = name, .attributes = attributes
        };

        event_add(e->run, &ev);
}

int volume_check_name(const char *name, struct error *err)
{
        static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";
        size_t n = strlen(name);

        if (n < 2 || n > MAX_NAME || strspn(name, letters) != n || strchr("_.-", *name))
                return error_set(err, EINVAL,
                                 "\"%s\" is no name for a volume: letters, digits and \"_.-\" behind a first letter or "
                                 "digit, two at least; a directory is named by its absolute path",
                                 name);
        return 0;
}

int volume_invent_name(char ret[INSTANCE_ID_LEN + 1], struct error *err)
{
        return instance_make_id(ret, err);
}

/* ---- directories ---- */

int volume_open_directory(int dir, const char *name)
{
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int volume_open_all(const struct engine *e, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/volumes", e->root) < 0) {
                path = NULL;
                return no_memory(err);
        }
        fd = volume_open_directory(AT_FDCWD, path);
        if (fd == -ENOENT) {
                fd = fd_mkdir_all(path, 0711);
                if (fd == 0)
                        fd = volume_open_directory(AT_FDCWD, path);
        }
        return fd < 0 ? error_errno(err, -fd, "open %s", path) : fd;
}

bool volume_is_still(int dir, const char *name, int fd)
{
        struct stat ours, there;

        return fstat(fd, &ours) == 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int volume_lock(int dir, const char *name, bool make, struct error *err)
{
        for (;;) {
                own_fd int fd = -1;

                if (make && mkdirat(dir, name, 0711) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "make volume %s", name);
                fd = volume_open_directory(dir, name);
                if (fd == -ENOENT && !make)
                        return error_set(err, ENOENT, "no such volume: %s (holt volume ls lists them)", name);
                if (fd == -ENOENT)
                        continue;
                if (fd < 0)
                        return error_errno(err, -fd, "open volume %s", name);
                while (flock(fd, LOCK_EX) < 0) {
                        if (errno != EINTR)
                                return error_errno(err, errno, "lock volume %s", name);
                }
                if (volume_is_still(dir, name, fd))
                        return take_fd(&fd);
        }
}

bool volume_is_complete(int fd)
{
        return faccessat(fd, VOLUME_CONFIG, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- configuration ---- */

static void write_driver(struct json_writer *w, const struct volume_driver *d)
{
        if (!d || !d->type)
                return;
        json_begin_object(w, "options");
        json_write_string(w, "type", d->type);
        json_write_string(w, "device", d->device);
        json_write_string(w, "o", d->options);
        json_end_object(w);
}

static int write_config(int fd, const char *name, bool anonymous, const char *const *labels,
                        const struct volume_driver *driver, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "name", name);
        json_write_i64(&w, "created", time(NULL));
        json_write_bool(&w, "anonymous", anonymous);
        json_begin_array(&w, "labels");
        for (; labels && *labels; labels++)
                json_write_string(&w, NULL, *labels);
        json_end_array(&w);
        write_driver(&w, driver);
        json_end_object(&w);
        r = buf_failed(&text) ? -ENOMEM : fd_replace_file_at(fd, VOLUME_CONFIG, text.data, text.len, 0644);
        return r < 0 ? error_errno(err, -r, "write the configuration of volume %s", name) : 0;
}

static int read_labels(struct json_object *obj, struct volume_info *v, struct error *err)
{
        struct json_object *array = NULL;
        int r = json_get_array(obj, "labels", &array, err);
        size_t n = r > 0 ? json_array_size(array) : 0;
        const char **labels = n ? arena_alloc(&v->arena, n + 1, sizeof *labels) : NULL;

        if (r < 0 || (n && !labels))
                return r < 0 ? r : no_memory(err);
        for (size_t i = 0; i < n; i++) {
                const char *text = json_string_value(json_array_item(array, i));

                labels[i] = arena_strdup(&v->arena, text ? text : "");
                if (!labels[i])
                        return no_memory(err);
        }
        v->labels = labels;
        return 0;
}

static int read_driver(struct json_object *obj, struct volume_info *v, struct error *err)
{
        const char *type = NULL, *device = NULL, *options = NULL;
        struct json_object *o;
        int r = json_get_object(obj, "options", &o, err);

        if (r <= 0)
                return r;
        if (json_get_string(o, "type", &type, err) <= 0 || json_get_string(o, "device", &device, err) <= 0 ||
            json_get_string(o, "o", &options, err) <= 0)
                return error_set(err, EINVAL, "options");
        v->driver = (struct volume_driver){ .type = arena_strdup(&v->arena, type),
                                            .device = arena_strdup(&v->arena, device),
                                            .options = arena_strdup(&v->arena, options) };
        return v->driver.type && v->driver.device && v->driver.options ? 0 : no_memory(err);
}

static int fill_info(const struct engine *e, const char *name, struct json_object *obj, struct volume_info *v,
                     struct error *err)
{
        own_mem char *path = NULL;
        int r = json_get_i64(obj, "created", &v->created, err);

        if (r >= 0)
                r = json_get_bool(obj, "anonymous", &v->anonymous, err);
        if (r >= 0)
                r = read_labels(obj, v, err);
        if (r >= 0)
                r = read_driver(obj, v, err);
        if (r < 0)
                return r;
        if (asprintf(&path, "%s/volumes/%s/" VOLUME_DATA, e->root, name) < 0) {
                path = NULL;
                return no_memory(err);
        }
        v->name = arena_strdup(&v->arena, name);
        v->path = arena_strdup(&v->arena, path);
        return v->name && v->path ? 0 : no_memory(err);
}

int volume_read_info(const struct engine *e, int fd, const char *name, struct volume_info *ret, struct error *err)
{
        own_volume_info struct volume_info v = {};
        own_json struct json_object *obj = NULL;
        own_buf struct buf text = {};
        own_fd int config = openat(fd, VOLUME_CONFIG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (config < 0 && errno == ENOENT)
                return error_set(err, ENOENT, "no such volume: %s (holt volume ls lists them)", name);
        r = config < 0 ? -errno : fd_read_all(config, MAX_CONFIG, &text);
        if (r < 0)
                return error_errno(err, -r, "read the configuration of volume %s", name);
        r = json_parse(buf_str(&text), text.len, &obj, err);
        if (r == 0 && !json_is_object(obj))
                r = error_set(err, EINVAL, "no object");
        if (r == 0)
                r = fill_info(e, name, obj, &v, err);
        if (r < 0)
                return error_wrap(err, "configuration of volume %s", name);
        *ret = v;
        v.arena = (struct arena){};
        return 0;
}

/* ---- making and finding ---- */

int volume_complete(int fd, const char *name, bool anonymous, const char *const *labels,
                    const struct volume_driver *driver, struct error *err)
{
        if (mkdirat(fd, VOLUME_DATA, 0755) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make volume %s", name);
        /* The umask is no business of what is in the volume. */
        if (fchmodat(fd, VOLUME_DATA, 0755, 0) < 0)
                return error_errno(err, errno, "make volume %s", name);
        return write_config(fd, name, anonymous, labels, driver, err);
}

int volume_create(struct engine *e, const char *name, const char *const *labels, const struct volume_driver *driver,
                  struct volume_info *ret, struct error *err)
{
        own_fd int dir = volume_open_all(e, err), fd = -1;
        char invented[INSTANCE_ID_LEN + 1];
        bool there;
        int r = dir;

        if (r >= 0)
                r = name ? volume_check_name(name, err) : volume_invent_name(invented, err);
        if (r < 0)
                return r;
        fd = volume_lock(dir, name ? name : invented, true, err);
        if (fd < 0)
                return fd;
        there = volume_is_complete(fd);
        if (!there)
                r = volume_complete(fd, name ? name : invented, !name, labels, driver, err);
        if (r >= 0)
                r = volume_read_info(e, fd, name ? name : invented, ret, err);
        if (r < 0)
                return r;
        if (there)
                return error_set(err, EEXIST, "volume %s is there already", name);
        volume_tell(e, "create", ret->name);
        return 0;
}

int volume_find(struct engine *e, const char *name, struct volume_info *ret, struct error *err)
{
        own_fd int dir = volume_open_all(e, err), fd = -1;

        if (dir < 0)
                return dir;
        if (volume_check_name(name, NULL) < 0)
                return error_set(err, ENOENT, "no such volume: %s (holt volume ls lists them)", name);
        fd = volume_open_directory(dir, name);
        if (fd < 0)
                return fd == -ENOENT ? error_set(err, ENOENT, "no such volume: %s (holt volume ls lists them)", name)
                                     : error_errno(err, -fd, "open volume %s", name);
        return volume_read_info(e, fd, name, ret, err);
}

static int is_name(const struct dirent *e)
{
        return volume_check_name(e->d_name, NULL) == 0;
}

static int visit(struct engine *e, int dir, const char *name, int (*each)(void *userdata, const struct volume_info *v),
                 void *userdata, struct error *err)
{
        own_volume_info struct volume_info v = {};
        own_fd int fd = volume_open_directory(dir, name);
        int r = fd < 0 ? fd : volume_read_info(e, fd, name, &v, err);

        /* Somebody makes or removes it, or was killed there. */
        if (r == -ENOENT && fd >= 0)
                volume_sweep(e, dir, name);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return fd < 0 ? error_errno(err, -fd, "open volume %s", name) : r;
        return each(userdata, &v);
}

int volume_each(struct engine *e, int (*each)(void *userdata, const struct volume_info *v), void *userdata,
                struct error *err)
{
        own_fd int dir = volume_open_all(e, err);
        struct dirent **names = NULL;
        int n, r = 0;

        if (dir < 0)
                return dir;
        n = scandirat(dir, ".", &names, is_name, alphasort);
        if (n < 0)
                return error_errno(err, errno, "read %s/volumes", e->root);
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = visit(e, dir, names[i]->d_name, each, userdata, err);
                free(names[i]);
        }
        free(names);
        return r;
}
