/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/stats_container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/container.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_NET_DEV = 1 << 20, OUT_COLUMN = 8 };

/* "  eth0: BYTES PACKETS ERRS DROP FIFO FRAME COMPRESSED MULTICAST BYTES ..." behind two lines of titles */
static bool parse_interface(char *line, uint64_t *in, uint64_t *out)
{
        char *name = line + strspn(line, " "), *rest = strchr(name, ':'), *word;
        uint64_t values[OUT_COLUMN + 1];

        if (!rest)
                return false;
        *rest++ = '\0';
        if (strcmp(name, "lo") == 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                rest += strspn(rest, " ");
                word = strsep(&rest, " ");
                if (!rest || parse_u64(word, 10, &values[i]) < 0)
                        return false;
        }
        *in = values[0];
        *out = values[OUT_COLUMN];
        return true;
}

void stats_add_network(char *text, uint64_t *in, uint64_t *out)
{
        char *rest = text, *line;

        while (rest && (line = strsep(&rest, "\n"))) {
                uint64_t received, sent;

                if (!parse_interface(line, &received, &sent))
                        continue;
                *in += received;
                *out += sent;
        }
}

static bool has_own_network(pid_t pid)
{
        struct stat ours, its;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
        return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &its) == 0 &&
               (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev);
}

/* The process was seen to be the container's after the pidfd was there: while that says that it lives, the number was
 * nobody else's. */
static void read_network(pid_t pid, int pidfd, struct instance_stats *ret)
{
        own_buf struct buf text = {};
        uint64_t in = 0, out = 0;
        own_fd int fd = -1;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/net/dev", (int)pid);
        fd = has_own_network(pid) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0 || fd_read_all(fd, MAX_NET_DEV, &text) < 0 || !text.len || process_signal(pidfd, 0) < 0)
                return;
        stats_add_network(text.data, &in, &out);
        ret->net_in = in;
        ret->net_out = out;
}

static int open_running(const char *run, const char *id, struct container *c, int *ret_pidfd, struct error *err)
{
        own_mem char *root = NULL;
        enum container_status status;
        own_fd int pidfd = -1;
        int r;

        if (asprintf(&root, "%s/containers", run) < 0) {
                root = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        r = container_load(root, id, c, err);
        if (r < 0)
                return r == -ENOENT ? error_set(err, ESRCH, "it does not run") : r;
        pidfd = c->pid ? process_open(c->pid) : -ESRCH;
        r = container_status(c, &status, err);
        if (r < 0)
                return r;
        if (pidfd < 0 || (status != CONTAINER_RUNNING && status != CONTAINER_PAUSED && status != CONTAINER_CREATED))
                return error_set(err, ESRCH, "it does not run");
        *ret_pidfd = take_fd(&pidfd);
        return 0;
}

int stats_container(const char *run, const char *id, struct instance_stats *ret, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        struct instance_stats s = { .net_in = UINT64_MAX, .net_out = UINT64_MAX };
        struct cgroup_counters counters;
        own_fd int pidfd = -1;
        int r = open_running(run, id, &c, &pidfd, err);

        if (r < 0)
                return r;
        r = cgroup_open(&c.cgroup, err);
        /* An ordinary user's may have none: what is counted elsewhere is shown. */
        if (r < 0 && !(r == -ENOENT && c.cgroup.rootless))
                return r;
        cgroup_count(&c.cgroup, &counters);
        s.cpu_ns = counters.cpu_ns;
        s.cpu_user_ns = counters.cpu_user_ns;
        s.cpu_system_ns = counters.cpu_system_ns;
        s.throttled_ns = counters.throttled_ns;
        s.memory = counters.memory;
        s.host_memory = counters.memory;
        s.memory_limit = counters.memory_limit;
        s.block_read = counters.block_read;
        s.block_write = counters.block_write;
        s.pids = counters.pids;
        s.pids_limit = counters.pids_limit;
        s.psi_cpu_us = counters.psi_cpu_us;
        s.psi_memory_us = counters.psi_memory_us;
        s.psi_io_us = counters.psi_io_us;
        read_network(c.pid, pidfd, &s);
        *ret = s;
        return 0;
}
