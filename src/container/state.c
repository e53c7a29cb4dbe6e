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
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_ID = 240, MAX_STATE = 32 << 20 };

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

/*
 * What stands in ROOT decides which processes are killed and what exec runs: only we and root may write there.
 * A descriptor or -errno.
 */
static int open_trusted(const char *root, struct error *err)
{
        own_fd int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, "open %s", root);
        if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & (S_IWGRP | S_IWOTH))
                return error_set(err, EPERM, "the state directory %s can be written by others", root);
        return take_fd(&fd);
}

static int open_root(const char *root, struct error *err)
{
        int fd = open_trusted(root, err), r;

        if (fd != -ENOENT)
                return fd;
        r = fd_mkdir_all(root, 0711);
        return r < 0 ? error_errno(err, -r, "create %s", root) : open_trusted(root, err);
}

/*
 * RFC 3339 in UTC. gmtime_r(3) would read the time zone's files first. The date of a day number: Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms" (years that begin in March make February the last month).
 */
static char *now_text(void)
{
        struct timespec t;
        char *text;
        long days, era, day_of_era, year_of_era, day_of_year, month, seconds;

        clock_gettime(CLOCK_REALTIME, &t);
        seconds = t.tv_sec % 86400;
        days = t.tv_sec / 86400 + 719468;
        era = days / 146097;
        day_of_era = days % 146097;
        year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        month = (5 * day_of_year + 2) / 153;
        if (asprintf(&text, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ", year_of_era + era * 400 + (month >= 10),
                     month < 10 ? month + 3 : month - 9, day_of_year - (153 * month + 2) / 5 + 1, seconds / 3600,
                     seconds / 60 % 60, seconds % 60, t.tv_nsec) < 0)
                return NULL;
        return text;
}

void state_file_name(const char *id, const char *kind, char ret[STATE_NAME_MAX])
{
        snprintf(ret, STATE_NAME_MAX, "%s:%s", id, kind);
}

int state_create(struct container *c, const char *root, const char *id, struct error *err)
{
        char name[STATE_NAME_MAX];
        own_fd int rootfd = -1;

        rootfd = open_root(root, err);
        if (rootfd < 0)
                return rootfd;
        state_file_name(id, STATE_FILE, name);
        c->statefd = openat(rootfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (c->statefd < 0)
                return errno == EEXIST ? error_set(err, EEXIST, "container with given ID already exists: %s", id)
                                       : error_errno(err, errno, "create %s/%s", root, name);
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

static void add_pid(struct buf *text, const struct container *c)
{
        buf_addf(text, "\n%d %llu\n", (int)c->pid, (unsigned long long)c->start_time);
}

static int write_state(const struct launch *l, struct buf *text, struct error *err)
{
        const struct container *c = &l->container;
        struct json_writer w = { .out = text };

        json_begin_object(&w, NULL);
        json_write_string(&w, "id", c->id);
        json_write_string(&w, "ociVersion", l->spec.oci_version);
        json_write_string(&w, "bundle", c->bundle);
        json_write_string(&w, "rootfs", c->rootfs);
        json_write_string(&w, "created", c->created);
        json_write_u64(&w, "owner", geteuid());
        json_write_i64(&w, "namespaces", c->namespaces);
        json_write_bool(&w, "ownPids", l->ns.create & CLONE_NEWPID);
        json_write_bool(&w, "noNewKeyring", l->options->no_new_keyring);
        json_write_bool(&w, "plainRoot", l->options->no_pivot || !(c->namespaces & CLONE_NEWNS));
        cgroup_save(&c->cgroup, &w, "cgroup");
        write_annotations(&w, &l->spec.annotations);
        write_for_later(l, &w);
        json_end_object(&w);
        if (c->pid)
                add_pid(text, c);
        return buf_failed(text) ? error_set(err, ENOMEM, "out of memory") : 0;
}

int state_save(const struct launch *l, struct error *err)
{
        own_buf struct buf text = {};
        int r = write_state(l, &text, err);

        if (r < 0)
                return r;
        r = fd_write_all(l->container.statefd, text.data, text.len);
        return r < 0 ? error_errno(err, -r, "write the container's state") : 0;
}

static int deleted(struct error *err)
{
        return error_set(err, ECANCELED, "somebody deleted the container while it was made");
}

int state_save_again(struct launch *l, struct error *err)
{
        struct container *c = &l->container;
        own_buf struct buf text = {};
        char name[STATE_NAME_MAX];
        int r = write_state(l, &text, err), fd;

        if (r < 0)
                return r;
        if (!state_is_own(c))
                return deleted(err);
        state_file_name(c->id, STATE_FILE, name);
        r = fd_replace_file_at(c->rootfd, name, text.data, text.len, 0600);
        fd = r < 0 ? r : openat(c->rootfd, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, r < 0 ? -r : errno, "write the container's state");
        close(c->statefd);
        c->statefd = fd;
        return 0;
}

/* Nobody else gives the file another name: without any it was deleted. */
bool state_is_own(const struct container *c)
{
        struct stat st;

        return fstat(c->statefd, &st) == 0 && st.st_nlink > 0;
}

/* Its line is there when its end is: the file's new length is seen after what was written. */
int state_save_pid(const struct container *c, struct error *err)
{
        own_buf struct buf line = {};
        int r;

        add_pid(&line, c);
        if (buf_failed(&line))
                return error_set(err, ENOMEM, "out of memory");
        r = fd_write_all(c->statefd, line.data, line.len);
        if (r < 0)
                return error_errno(err, -r, "write the container's pid");
        return state_is_own(c) ? 0 : deleted(err);
}

int state_remove(struct container *c, struct error *err)
{
        static const char *const kinds[] = { STATE_START_SOCKET, STATE_SECCOMP, STATE_FILE };
        char name[STATE_NAME_MAX];
        bool removed = false;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                state_file_name(c->id, kinds[i], name);
                removed = unlinkat(c->rootfd, name, 0) == 0;
                if (!removed && errno != ENOENT)
                        return error_errno(err, errno, "remove the state of %s", c->id);
        }
        return removed;
}

/* No line, or one that is not complete: init was never told to outlive its creator. */
static void read_pid(struct container *c, const char *line)
{
        char text[64], *space, *end;
        uint32_t pid;
        uint64_t start_time;

        snprintf(text, sizeof text, "%s", line);
        end = strchr(text, '\n');
        space = strchr(text, ' ');
        if (!end || !space || space > end)
                return;
        *end = *space = '\0';
        if (parse_u32(text, 10, &pid) < 0 || parse_u64(space + 1, 10, &start_time) < 0)
                return;
        c->pid = (pid_t)pid;
        c->start_time = start_time;
}

static int read_state(struct container *c, struct error *err)
{
        char name[STATE_NAME_MAX];
        own_buf struct buf text = {};
        own_fd int fd = -1;
        struct stat st;
        size_t len;
        int r;

        state_file_name(c->id, STATE_FILE, name);
        fd = openat(c->rootfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? error_set(err, ENOENT, "container \"%s\" does not exist", c->id)
                                       : error_errno(err, errno, "open the state of %s", c->id);
        r = fd_read_all(fd, MAX_STATE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the state of %s", c->id);
        len = strcspn(buf_str(&text), "\n");
        if (len < text.len)
                read_pid(c, text.data + len + 1);
        /* A torn file: its creator was killed while it wrote, before it made anything else. */
        if (json_parse(buf_str(&text), len, &c->json, err) < 0 || !json_is_object(c->json)) {
                json_put(take_ptr(c->json));
                c->owner = fstat(fd, &st) < 0 ? geteuid() : st.st_uid;
        }
        return 0;
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
        int64_t namespaces = 0;
        uint64_t owner = 0;
        int r;

        r = dup_member(c->json, "bundle", &c->bundle, err);
        if (r == 0)
                r = dup_member(c->json, "rootfs", &c->rootfs, err);
        if (r == 0)
                r = dup_member(c->json, "created", &c->created, err);
        if (r == 0)
                r = dup_member(c->json, "ociVersion", &c->oci_version, err);
        if (r < 0 || (r = json_get_i64(c->json, "namespaces", &namespaces, err)) < 0 ||
            (r = json_get_u64(c->json, "owner", &owner, err)) < 0)
                return r;
        c->namespaces = (int)namespaces;
        c->owner = (uid_t)owner;
        r = json_get_object(c->json, "cgroup", &cgroup, err);
        return r > 0 ? cgroup_load(&c->cgroup, cgroup, err) : r;
}

int container_load(const char *root, const char *id, struct container *ret, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r;

        r = container_check_id(id, err);
        if (r < 0)
                return r;
        c.rootfd = open_trusted(root, err);
        if (c.rootfd < 0)
                return c.rootfd == -ENOENT || c.rootfd == -ENOTDIR
                               ? error_set(err, ENOENT, "container \"%s\" does not exist", id)
                               : c.rootfd;
        c.id = strdup(id);
        if (!c.id)
                return error_set(err, ENOMEM, "out of memory");
        r = read_state(&c, err);
        if (r == 0 && c.json)
                r = take_members(&c, err);
        if (r < 0)
                return r;
        *ret = c;
        c = (struct container){ .rootfd = -1, .statefd = -1 };
        return 0;
}

void container_finish(struct container *c)
{
        if (c->statefd >= 0)
                close(c->statefd);
        if (c->rootfd >= 0)
                close(c->rootfd);
        free(c->id);
        free(c->bundle);
        free(c->rootfs);
        free(c->created);
        free(c->oci_version);
        json_put(c->json);
        cgroup_finish(&c->cgroup);
        *c = (struct container){ .rootfd = -1, .statefd = -1 };
}
