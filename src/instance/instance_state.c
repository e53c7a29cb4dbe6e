/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance.h"
#include "sys/fd.h"

/* More than any state takes. */
enum { RESERVED = 4096 };

static const char *const statuses[] = {
        [INSTANCE_CREATED] = "created",       [INSTANCE_RUNNING] = "running",   [INSTANCE_PAUSED] = "paused",
        [INSTANCE_RESTARTING] = "restarting", [INSTANCE_STOPPING] = "stopping", [INSTANCE_EXITED] = "exited",
        [INSTANCE_DAMAGED] = "damaged",
};
static const char *const healths[] = {
        [HEALTH_NONE] = "",
        [HEALTH_STARTING] = "starting",
        [HEALTH_HEALTHY] = "healthy",
        [HEALTH_UNHEALTHY] = "unhealthy",
};

const char *instance_status_name(enum instance_status s)
{
        return statuses[s];
}

const char *instance_health_name(enum instance_health h)
{
        return healths[h];
}

void instance_state_write(const struct instance_state *s, struct json_writer *w, const char *key)
{
        json_begin_object(w, key);
        json_write_string(w, "status", statuses[s->status]);
        json_write_string(w, "health", healths[s->health]);
        json_write_i64(w, "pid", s->pid);
        json_write_i64(w, "exitCode", s->exit_code);
        json_write_bool(w, "oomKilled", s->oom_killed);
        json_write_bool(w, "stopped", s->stopped);
        json_write_u64(w, "restarts", s->restarts);
        json_write_u64(w, "healthFailures", s->health_failures);
        json_write_i64(w, "started", s->started);
        json_write_i64(w, "finished", s->finished);
        json_write_string(w, "error", s->error);
        json_end_object(w);
}

static int read_name(struct json_object *obj, const char *key, const char *const *names, size_t n, unsigned *ret,
                     struct error *err)
{
        const char *text;
        int r = json_get_string(obj, key, &text, err);

        if (r <= 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(text, names[i]) == 0) {
                        *ret = (unsigned)i;
                        return 1;
                }
        }
        return error_set(err, EINVAL, "%s: \"%s\" is not known", key, text);
}

int instance_state_read(struct json_object *obj, struct instance_state *ret, struct error *err)
{
        struct instance_state s = {};
        unsigned status = INSTANCE_CREATED, health = HEALTH_NONE;
        const char *text = "";
        int64_t pid = 0, code = 0;
        int r = read_name(obj, "status", statuses, ARRAY_SIZE(statuses), &status, err);

        if (r >= 0)
                r = read_name(obj, "health", healths, ARRAY_SIZE(healths), &health, err);
        if (r >= 0)
                r = json_get_i64(obj, "pid", &pid, err);
        if (r >= 0)
                r = json_get_i64(obj, "exitCode", &code, err);
        if (r >= 0)
                r = json_get_bool(obj, "oomKilled", &s.oom_killed, err);
        if (r >= 0)
                r = json_get_bool(obj, "stopped", &s.stopped, err);
        if (r >= 0)
                r = json_get_u32(obj, "restarts", &s.restarts, err);
        if (r >= 0)
                r = json_get_u32(obj, "healthFailures", &s.health_failures, err);
        if (r >= 0)
                r = json_get_i64(obj, "started", &s.started, err);
        if (r >= 0)
                r = json_get_i64(obj, "finished", &s.finished, err);
        if (r >= 0)
                r = json_get_string(obj, "error", &text, err);
        if (r < 0)
                return r;
        s.status = status;
        s.health = health;
        s.pid = (pid_t)pid;
        s.exit_code = (int)code;
        snprintf(s.error, sizeof s.error, "%s", text);
        *ret = s;
        return 0;
}

/* ---- how it ended ---- */

#define STATE "state"
#define NEW_STATE ".state.new"

int instance_state_reserve(int dir)
{
        static const char room[RESERVED];
        own_fd int fd = openat(dir, NEW_STATE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

        return fd < 0 ? -errno : fd_write_all(fd, room, sizeof room);
}

int instance_state_keep(int dir, const struct instance_state *s)
{
        own_fd int fd = openat(dir, NEW_STATE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        if (fd < 0)
                return -errno;
        instance_state_write(s, &w, NULL);
        r = buf_failed(&text) ? -ENOMEM : fd_write_all(fd, text.data, text.len);
        if (r == 0 &&
            (ftruncate(fd, (off_t)text.len) < 0 || fchmod(fd, 0644) < 0 || renameat(dir, NEW_STATE, dir, STATE) < 0))
                r = -errno;
        return r;
}
