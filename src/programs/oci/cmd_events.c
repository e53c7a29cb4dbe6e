/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: a line of JSON for each event. Three things are waited for at once: the next
 * statistics are due, the kernel killed something for want of memory, init has ended.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/own.h"
#include "programs/oci/invocation.h"
#include "programs/oci/log.h"

enum { DEFAULT_INTERVAL_MS = 5000 };

static int write_event(struct container *c, const char *type, struct error *err)
{
        bool stats = type[0] == 's';
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out };
        int r = 0;

        json_begin_object(&w, NULL);
        json_write_string(&w, "type", type);
        json_write_string(&w, "id", c->id);
        if (stats)
                r = cgroup_stats(&c->cgroup, &w, "data", err);
        if (r < 0)
                return r;
        json_end_object(&w);
        buf_add(&out, "\n", 1);
        return output_write(&out, err);
}

static int read_interval(const struct args *a, int64_t *ret_ms, struct error *err)
{
        const char *text = args_str(a, OPTION_INTERVAL);
        uint64_t ns;

        *ret_ms = DEFAULT_INTERVAL_MS;
        if (!text)
                return 0;
        if (duration_parse(text, &ns) < 0)
                return error_set(err, EINVAL, "option --interval: invalid value \"%s\"", text);
        if (ns < 1000000 || ns / 1000000 > INT_MAX)
                return error_set(err, EINVAL, "option --interval must be from 1ms to 24 days");
        *ret_ms = (int64_t)(ns / 1000000);
        return 0;
}

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until `until`; 1 when init has ended. */
static int wait_for_event(struct container *c, int pidfd, struct pollfd *oom, int64_t until, struct error *err)
{
        struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN }, *oom };
        int64_t left = until - now_ms();
        int r;

        r = poll(fds, 2, left > 0 ? (int)left : 0);
        if (r < 0)
                return errno == EINTR ? 0 : error_errno(err, errno, "poll");
        if (fds[1].revents) {
                r = cgroup_oom_seen(&c->cgroup, fds[1].fd);
                if (r > 0)
                        r = write_event(c, "oom", err);
                else if (r < 0) /* the cgroup is gone; init's end is told by the pidfd */
                        oom->fd = -1;
                if (r < 0 && oom->fd >= 0)
                        return r;
        }
        return fds[0].revents != 0;
}

static int follow(const struct invocation *inv, struct container *c, int pidfd, int64_t interval, struct error *err)
{
        own_fd int oom_fd = -1;
        int64_t next = now_ms() + interval;
        struct pollfd oom;
        bool pri = false;
        int r;

        r = cgroup_oom_watch(&c->cgroup, &oom_fd, &pri, err);
        if (r < 0)
                return r;
        oom = (struct pollfd){ .fd = oom_fd, .events = pri ? POLLPRI : POLLIN };
        while ((r = wait_for_event(c, pidfd, &oom, next, err)) == 0) {
                if (now_ms() < next)
                        continue;
                next += interval;
                r = write_event(c, "stats", err);
                if (r == -EPIPE)
                        return r;
                if (r < 0)
                        log_error(inv, err->text);
        }
        return r < 0 ? r : 0;
}

int cmd_events(struct invocation *inv, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        enum container_status status;
        own_fd int pidfd = -1;
        int64_t interval;
        int r;

        r = read_interval(&inv->args, &interval, err);
        if (r < 0)
                return r;
        r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        /* The pidfd first: when the status is good after that, it is init's and no one's who got its number. */
        pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
        r = container_status(&c, &status, err);
        if (r < 0)
                return r;
        if (status == CONTAINER_STOPPED || pidfd < 0)
                return error_set(err, ESRCH, "container \"%s\" is not running", c.id);
        r = cgroup_open(&c.cgroup, err);
        if (r < 0)
                return r;
        if (args_flag(&inv->args, OPTION_STATS))
                return write_event(&c, "stats", err);
        return follow(inv, &c, pidfd, interval, err);
}
