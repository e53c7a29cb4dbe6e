/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_image.h"
#include "instance/instance_lock.h"
#include "instance/instance_name.h"
#include "instance/user_rights.h"
#include "sys/fd.h"

enum { MAX_CONFIG = 4 << 20, MAX_STATE = 1 << 16 };

int64_t instance_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int instance_new(const struct engine *e, const char *id, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = calloc(1, sizeof *i);

        if (!i)
                return error_set(err, ENOMEM, "out of memory");
        i->fd = i->lock = i->users.user_ns = -1;
        snprintf(i->id, sizeof i->id, "%s", id);
        if (asprintf(&i->path, "%s/instances/%s", e->root, id) < 0)
                i->path = NULL;
        i->upper = strdup("upper");
        if (!i->path || !i->upper)
                return error_set(err, ENOMEM, "out of memory");
        *ret = take_ptr(i);
        return 0;
}

void instance_free(struct instance *i)
{
        if (!i)
                return;
        if (i->fd >= 0)
                close(i->fd);
        if (i->lock >= 0)
                close(i->lock);
        if (i->users.user_ns >= 0)
                close(i->users.user_ns);
        free(i->name);
        free(i->path);
        free(i->image_name);
        free(i->upper);
        free(i->damage);
        instance_image_forget(i);
        instance_options_finish(&i->options);
        free(i);
}

bool instance_is_running(const struct instance *i)
{
        return i->state.status != INSTANCE_CREATED && i->state.status != INSTANCE_EXITED &&
               i->state.status != INSTANCE_DAMAGED;
}

/* ---- files ---- */

/* A new name is only given: replacing a file makes some file systems write it out at once. */
int instance_write_file(struct instance *i, const char *name, const char *text, size_t len, struct error *err)
{
        char temp[64];
        own_fd int fd = -1;
        int r;

        snprintf(temp, sizeof temp, ".%s.new", name);
        fd = openat(i->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        r = fd < 0 ? -errno : fd_write_all(fd, text, len);
        if (r == 0 && (fchmod(fd, 0644) < 0 || renameat(i->fd, temp, i->fd, name) < 0))
                r = -errno;
        if (r < 0 && fd >= 0)
                unlinkat(i->fd, temp, 0);
        return r < 0 ? error_errno(err, -r, "write the instance's %s", name) : 0;
}

/* 1, or 0 when it is not there. */
static int read_json(int dir, const char *name, size_t max, struct json_object **ret, struct error *err)
{
        own_buf struct buf text = {};
        own_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open the instance's %s", name);
        r = fd_read_all(fd, max, &text);
        if (r < 0)
                return error_errno(err, -r, "read the instance's %s", name);
        r = json_parse(buf_str(&text), text.len, ret, err);
        if (r == 0 && !json_is_object(*ret)) {
                json_put(*ret);
                *ret = NULL;
                r = error_set(err, EINVAL, "no object");
        }
        return r < 0 ? error_wrap(err, "the instance's %s", name) : 1;
}

/* ---- configuration ---- */

int instance_save(struct instance *i, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_write_string(&w, "id", i->id);
        json_write_string(&w, "name", i->name);
        json_write_i64(&w, "created", i->created);
        json_write_string(&w, "image", i->image.text);
        json_write_string(&w, "imageName", i->image_name);
        json_write_string(&w, "upper", i->upper);
        json_write_string(&w, "isolation", i->backend->name);
        json_begin_array(&w, "args");
        for (const char *const *arg = i->args; *arg; arg++)
                json_write_string(&w, NULL, *arg);
        json_end_array(&w);
        instance_options_write(&i->options, &w, "options");
        json_end_object(&w);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        return instance_write_file(i, "config", text.data, text.len, err);
}

static int copy_string(struct json_object *obj, const char *key, char **ret, struct error *err)
{
        const char *text;
        int r = json_get_string(obj, key, &text, err);

        if (r < 0)
                return r;
        *ret = r > 0 ? strdup(text) : NULL;
        return *ret ? 0 : error_set(err, r > 0 ? ENOMEM : EINVAL, "%s", r > 0 ? "out of memory" : key);
}

static int read_args(struct instance *i, struct json_object *obj, struct error *err)
{
        struct json_object *array = NULL;
        int r = json_get_array(obj, "args", &array, err);
        size_t n = r > 0 ? json_array_size(array) : 0;
        const char **args = arena_alloc(&i->options.arena, n + 1, sizeof *args);

        if (!args)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t k = 0; k < n; k++) {
                const char *text = json_string_value(json_array_item(array, k));

                args[k] = arena_strdup(&i->options.arena, text ? text : "");
                if (!args[k])
                        return error_set(err, ENOMEM, "out of memory");
        }
        i->args = args;
        return r < 0 ? r : 0;
}

/* A name of its own directory; absent: the usual. */
static int read_upper(struct instance *i, struct json_object *obj, struct error *err)
{
        const char *name = i->upper;
        char *copy;
        int r = json_get_string(obj, "upper", &name, err);

        if (r <= 0)
                return r;
        if (strncmp(name, "upper", strlen("upper")) != 0 || strchr(name, '/'))
                return error_set(err, EINVAL, "upper: \"%s\" is no name", name);
        copy = strdup(name);
        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        free(i->upper);
        i->upper = copy;
        return 0;
}

static int read_config(struct instance *i, struct json_object *obj, struct error *err)
{
        const char *image = "", *isolation = "";
        struct json_object *options = NULL;
        int r = copy_string(obj, "name", &i->name, err);

        if (r >= 0)
                r = copy_string(obj, "imageName", &i->image_name, err);
        if (r >= 0)
                r = read_upper(i, obj, err);
        if (r >= 0)
                r = json_get_i64(obj, "created", &i->created, err);
        if (r >= 0)
                r = json_get_string(obj, "image", &image, err);
        if (r >= 0)
                r = digest_parse(image, &i->image, err);
        if (r >= 0)
                r = json_get_string(obj, "isolation", &isolation, err);
        if (r >= 0)
                r = json_get_object(obj, "options", &options, err);
        if (r >= 0 && options)
                r = instance_options_read(options, &i->options, err);
        if (r >= 0)
                r = read_args(i, obj, err);
        if (r < 0)
                return r;
        i->backend = backend_find(isolation);
        return i->backend ? 0 : error_set(err, EINVAL, "isolation \"%s\" is not known", isolation);
}

int instance_load(const struct engine *e, int dir, const char *id, struct instance **ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        own_json struct json_object *config = NULL;
        int r = instance_new(e, id, &i, err);

        if (r < 0 || !i)
                return r;
        i->fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (i->fd < 0)
                return error_errno(err, errno, "open the instance %s", id);
        r = read_json(i->fd, "config", MAX_CONFIG, &config, err);
        if (r == 0)
                return error_set(err, ENOENT, "no such instance: %s", id);
        if (r > 0)
                r = read_config(i, config, err);
        if (r < 0)
                return error_wrap(err, "instance %.12s", id);
        *ret = take_ptr(i);
        return 0;
}

/* Not for want of memory, descriptors or rights: those are ours. */
static bool is_damage(int r)
{
        return r != -ENOENT && r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -EACCES && r != -EPERM;
}

static int load_damaged(const struct engine *e, int dir, const char *id, const char *why, struct instance **ret,
                        struct error *err)
{
        static const char *const no_args[] = { NULL };
        own_instance struct instance *i = NULL;
        struct stat st;
        int r = instance_new(e, id, &i, err);

        if (r < 0 || !i)
                return r;
        i->fd = openat(dir, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (i->fd < 0 || fstat(i->fd, &st) < 0)
                return error_errno(err, errno, "open the instance %s", id);
        i->name = instance_name_find(dir, id);
        i->image_name = strdup("");
        i->damage = strdup(why);
        i->backend = &backend_container;
        i->args = no_args;
        i->created = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        if (!i->name || !i->image_name || !i->damage)
                return error_set(err, ENOMEM, "out of memory");
        *ret = take_ptr(i);
        return 0;
}

int instance_load_any(const struct engine *e, int dir, const char *id, struct instance **ret, struct error *err)
{
        struct error why;
        int r = instance_load(e, dir, id, ret, &why);

        if (r < 0 && is_damage(r))
                return load_damaged(e, dir, id, why.text, ret, err);
        if (r < 0)
                *err = why;
        return r;
}

int instance_take_rights(struct engine *e, struct instance *i, const char *with, struct error *err)
{
        int fd, r = user_rights_take(e, with, err);

        if (r < 0 || !e->has_own_mounts)
                return r;
        fd = open(i->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "open the instance %s", i->name);
        close(i->fd);
        i->fd = fd;
        return 0;
}

bool instance_has_other_name(int fd, const char *name)
{
        own_json struct json_object *config = NULL;
        const char *own;

        return read_json(fd, "config", MAX_CONFIG, &config, NULL) > 0 &&
               json_get_string(config, "name", &own, NULL) > 0 && strcmp(own, name) != 0;
}

/* All but what this process has open, and knows of its state. */
static void take_config(struct instance *i, struct instance *fresh)
{
        struct instance old = *i;

        *i = *fresh;
        i->fd = old.fd;
        i->lock = old.lock;
        i->state = old.state;
        old.fd = fresh->fd;
        old.lock = fresh->lock;
        *fresh = old;
}

int instance_lock_config(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        own_instance struct instance *fresh = NULL;
        int r;

        if (dir < 0)
                return dir;
        while (flock(i->fd, LOCK_EX) < 0) {
                if (errno != EINTR)
                        return error_errno(err, errno, "lock the instance's configuration");
        }
        r = instance_load(e, dir, i->id, &fresh, err);
        if (r == 0 && fresh)
                take_config(i, fresh);
        else
                flock(i->fd, LOCK_UN);
        return r;
}

/* ---- state ---- */

/* One that makes no sense, after a crash of the host, says nothing but that: what it is about is as good as before. */
static int read_state_file(int dir, enum instance_status status, struct instance_state *ret, struct error *err)
{
        own_json struct json_object *obj = NULL;
        int r = read_json(dir, "state", MAX_STATE, &obj, err);

        if (r > 0)
                r = instance_state_read(obj, ret, err) < 0 ? -EINVAL : 1;
        if (r != -EINVAL)
                return r;
        *ret = (struct instance_state){ .status = status };
        snprintf(ret->error, sizeof ret->error, "%.250s", err->text);
        return 1;
}

int instance_load_end(const struct instance *i, struct instance_state *ret, struct error *err)
{
        *ret = (struct instance_state){};
        return read_state_file(i->fd, INSTANCE_EXITED, ret, err);
}

int instance_save_end(struct instance *i, const struct instance_state *s, struct error *err)
{
        int r = instance_state_keep(i->fd, s);

        if (r < 0)
                return error_errno(err, -r, "write the instance's state");
        unlinkat(i->fd, "started", 0);
        return 0;
}

static int read_live_state(struct engine *e, struct instance *i, int dir, struct error *err)
{
        char reason[BACKEND_REASON];
        int r = read_state_file(dir, INSTANCE_RUNNING, &i->state, err);

        if (r < 0)
                return r;
        /* To ask costs as much as all the rest. */
        if (r > 0 && i->state.status == INSTANCE_RUNNING && faccessat(dir, INSTANCE_PAUSED_MARK, F_OK, 0) == 0 &&
            i->backend->is_paused && i->backend->is_paused(e->run, i->id, reason) > 0) {
                i->state.status = INSTANCE_PAUSED;
                if (*reason)
                        snprintf(i->state.error, sizeof(i->state.error), "%s", reason);
        }
        return 0;
}

int instance_read_state(struct engine *e, struct instance *i, struct error *err)
{
        own_fd int run = engine_open_run(e, err);
        own_fd int dir = -1;
        int r, lock;

        if (run < 0)
                return run;
        r = instance_load_end(i, &i->state, err);
        if (r < 0)
                return r;
        dir = openat(run, i->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0 || i->lock >= 0)
                return 0;
        if (flock(dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
                return read_live_state(e, i, dir, err);
        close(take_fd(&dir));
        lock = instance_lock_existing(run, i->id);
        if (lock == -EBUSY)
                return instance_read_state(e, i, err);
        if (lock < 0)
                return 0;
        r = instance_recover(e, i->id, lock, err);
        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, ENOENT, "no such instance: %s", i->name);
        r = instance_load_end(i, &i->state, err);
        return r < 0 ? r : 0;
}
