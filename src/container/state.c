/* SPDX-License-Identifier: Apache-2.0 */
#include "container/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_ID = 1024, MAX_STATE = 32 << 20 };

int container_check_id(const char *id, struct error *err)
{
        size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.");

        if (!*id)
                return error_set(err, EINVAL, "container id cannot be empty");
        if (id[n] || *id == '.' || n > MAX_ID)
                return error_set(
                        err, EINVAL,
                        "invalid container id \"%.64s\": letters, digits and _+-. are allowed, with no . first", id);
        return 0;
}

const char *container_status_name(enum container_status s)
{
        static const char *const names[] = {
                [CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created", [CONTAINER_RUNNING] = "running",
                [CONTAINER_PAUSED] = "paused",     [CONTAINER_STOPPED] = "stopped",
        };

        return names[s];
}

/* mkdir -p, mode 0700 for what is new. */
static int open_root(const char *root, struct error *err)
{
        own_mem char *path = strdup(root);
        int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                return fd;
        if (!path)
                return error_set(err, ENOMEM, "out of memory");
        for (char *p = path + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(path, 0711) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "create %s", path);
                *p = '/';
        }
        if (mkdir(path, 0711) < 0 && errno != EEXIST)
                return error_errno(err, errno, "create %s", path);
        fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", root) : fd;
}

static char *now_text(void)
{
        struct timespec t;
        struct tm tm;
        char *text;

        clock_gettime(CLOCK_REALTIME, &t);
        gmtime_r(&t.tv_sec, &tm);
        if (asprintf(&text, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec) < 0)
                return NULL;
        return text;
}

int state_create(struct container *c, const char *root, const char *id, struct error *err)
{
        own_fd int rootfd = -1;

        rootfd = open_root(root, err);
        if (rootfd < 0)
                return rootfd;
        if (mkdirat(rootfd, id, 0700) < 0)
                return errno == EEXIST ? error_set(err, EEXIST, "container with given ID already exists: %s", id)
                                       : error_errno(err, errno, "create %s/%s", root, id);
        c->dirfd = openat(rootfd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (c->dirfd < 0)
                return error_errno(err, errno, "open %s/%s", root, id);
        c->rootfd = take_fd(&rootfd);
        c->id = strdup(id);
        c->created = now_text();
        return c->id && c->created ? 0 : error_set(err, ENOMEM, "out of memory");
}

static void write_annotations(struct json_writer *w, const struct str_map *a)
{
        json_begin_object(w, "annotations");
        for (size_t i = 0; i < a->n; i++)
                json_write_string(w, a->v[i].key, a->v[i].value);
        json_end_object(w);
}

static void write_json(struct json_writer *w, const char *key, struct json_object *v)
{
        own_buf struct buf text = {};

        json_add_value(&text, v);
        w->out->failed |= text.failed;
        json_write_raw(w, key, buf_str(&text));
}

/* What exec needs of the configuration, so that it has not to read the whole again. */
static void write_for_later(const struct launch *l, struct json_writer *w)
{
        const struct spec *s = &l->spec;
        struct json_object *hooks = NULL;

        if (s->process)
                write_json(w, "process", s->process->json);
        if (s->linux_.has_personality)
                json_write_u64(w, "personality", s->linux_.personality);
        if (l->has_seccomp && s->linux_.seccomp->listener_path) {
                json_write_string(w, "seccompListener", s->linux_.seccomp->listener_path);
                if (s->linux_.seccomp->listener_metadata)
                        json_write_string(w, "seccompMetadata", s->linux_.seccomp->listener_metadata);
        }
        json_write_bool(w, "seccomp", l->has_seccomp);
        if (s->hooks.poststop.n || s->hooks.poststart.n) {
                json_get_object(s->json, "hooks", &hooks, NULL);
                write_json(w, "hooks", hooks);
        }
}

int state_save(const struct launch *l, struct error *err)
{
        const struct container *c = &l->container;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        json_write_string(&w, "id", c->id);
        json_write_string(&w, "ociVersion", l->spec.oci_version);
        json_write_i64(&w, "pid", c->pid);
        json_write_u64(&w, "startTime", c->start_time);
        json_write_string(&w, "bundle", c->bundle);
        json_write_string(&w, "rootfs", c->rootfs);
        json_write_string(&w, "created", c->created);
        json_write_u64(&w, "owner", geteuid());
        json_write_i64(&w, "namespaces", c->namespaces);
        json_write_bool(&w, "noNewKeyring", l->options->no_new_keyring);
        json_write_bool(&w, "plainRoot", l->options->no_pivot || !(c->namespaces & CLONE_NEWNS));
        cgroup_save(&c->cgroup, &w, "cgroup");
        write_annotations(&w, &l->spec.annotations);
        write_for_later(l, &w);
        json_end_object(&w);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_replace_file_at(c->dirfd, STATE_FILE, text.data, text.len, 0600);
        return r < 0 ? error_errno(err, -r, "write the container's state") : 0;
}

int state_remove(struct container *c, struct error *err)
{
        int r = fd_remove_tree_at(c->rootfd, c->id);

        return r < 0 ? error_errno(err, -r, "remove the state of %s", c->id) : 0;
}

static int read_state(struct container *c, struct error *err)
{
        own_fd int fd = openat(c->dirfd, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_buf struct buf text = {};
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open the state of %s", c->id);
        r = fd_read_all(fd, MAX_STATE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the state of %s", c->id);
        r = json_parse(buf_str(&text), text.len, &c->json, err);
        return r < 0 ? error_wrap(err, "state of %s", c->id) : 0;
}

static int dup_member(struct json_object *o, const char *key, char **ret, struct error *err)
{
        const char *s;
        int r = json_get_string(o, key, &s, err);

        if (r <= 0)
                return r;
        *ret = strdup(s);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int take_members(struct container *c, struct error *err)
{
        struct json_object *cgroup;
        int64_t pid = 0, namespaces = 0;
        uint64_t owner = 0;
        int r;

        r = dup_member(c->json, "bundle", &c->bundle, err);
        if (r == 0)
                r = dup_member(c->json, "rootfs", &c->rootfs, err);
        if (r == 0)
                r = dup_member(c->json, "created", &c->created, err);
        if (r == 0)
                r = dup_member(c->json, "ociVersion", &c->oci_version, err);
        if (r < 0 || (r = json_get_i64(c->json, "pid", &pid, err)) < 0 ||
            (r = json_get_i64(c->json, "namespaces", &namespaces, err)) < 0 ||
            (r = json_get_u64(c->json, "startTime", &c->start_time, err)) < 0 ||
            (r = json_get_u64(c->json, "owner", &owner, err)) < 0)
                return r;
        c->pid = (pid_t)pid;
        c->namespaces = (int)namespaces;
        if (asprintf(&c->owner, "%llu", (unsigned long long)owner) < 0)
                return error_set(err, ENOMEM, "out of memory");
        r = json_get_object(c->json, "cgroup", &cgroup, err);
        return r > 0 ? cgroup_load(&c->cgroup, cgroup, err) : r;
}

int container_load(const char *root, const char *id, struct container *ret, struct error *err)
{
        own_container struct container c = { .dirfd = -1, .rootfd = -1 };
        int r;

        r = container_check_id(id, err);
        if (r < 0)
                return r;
        c.rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (c.rootfd >= 0)
                c.dirfd = openat(c.rootfd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (c.dirfd < 0)
                return errno == ENOENT || errno == ENOTDIR
                               ? error_set(err, ENOENT, "container \"%s\" does not exist", id)
                               : error_errno(err, errno, "open %s/%s", root, id);
        c.id = strdup(id);
        if (!c.id)
                return error_set(err, ENOMEM, "out of memory");
        r = read_state(&c, err);
        if (r == 0 && c.json)
                r = take_members(&c, err);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct container){ .dirfd = -1, .rootfd = -1 };
        return 0;
}

void container_finish(struct container *c)
{
        if (c->dirfd >= 0)
                close(c->dirfd);
        if (c->rootfd >= 0)
                close(c->rootfd);
        free(c->id);
        free(c->bundle);
        free(c->rootfs);
        free(c->created);
        free(c->owner);
        free(c->oci_version);
        json_put(c->json);
        cgroup_finish(&c->cgroup);
        *c = (struct container){ .dirfd = -1, .rootfd = -1 };
}
