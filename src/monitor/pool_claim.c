/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/own.h"
#include "instance/vm_cgroup.h"
#include "monitor/pool.h"
#include "net/tap.h"
#include "net/tap_take.h"
#include "sys/fd.h"

enum { PATIENCE = 2 };

/* It answers at once, or is about to end. */
static int connect_to(const char *directory, const char *name, struct error *err)
{
        static const struct timeval patience = { .tv_sec = PATIENCE };
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/instances/%s/" POOL_SOCKET, directory, name) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = fd_connect_unix(path);
        if (fd >= 0)
                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        return fd < 0 ? error_errno(err, -fd, "claim a machine") : fd;
}

static int receive(struct monitor *m, int sock, struct error *err)
{
        static const char word = POOL_CLAIM;
        int fds[POOL_FDS] = {};
        size_t n = POOL_FDS;
        struct pool_gift gift = {};
        int r = fd_send(sock, &word, 1, NULL, 0);

        if (r == 0 && (fd_receive(sock, &gift, sizeof(gift), fds, &n) != sizeof(gift) || n != POOL_FDS)) {
                for (size_t i = 0; i < n && n < POOL_FDS; i++)
                        close(fds[i]);
                r = -ENOENT;
        }
        if (r < 0)
                return error_errno(err, -r, "claim a machine");
        m->qmp.fd = fds[POOL_QMP];
        m->agent = fds[POOL_AGENT];
        m->console = fds[POOL_CONSOLE];
        m->share = fds[POOL_SHARE];
        m->qemu_pidfd = fds[POOL_PIDFD];
        m->guard = fds[POOL_GUARD];
        m->qemu = -1;
        m->memory_at = gift.memory_at;
        m->disks = gift.disks;
        memcpy(m->ends, gift.ends, sizeof(m->ends));
        return 0;
}

void pool_tap_name(const char *place, char ret[POOL_TAP])
{
        size_t len = strlen(place);

        snprintf(ret, POOL_TAP, "hp%s", place + (len > 12 ? len - 12 : 0));
}

/* From now on it goes with QEMU, not with QEMU's network. */
static int tie_tap(const struct monitor *m, struct error *err)
{
        own_fd int tap = monitor_get_tap(m);
        int r = tap < 0 ? tap : tap_persist(tap, false);

        return r < 0 ? error_errno(err, -r, "take over a machine's interface") : 0;
}

static int take_network(const struct monitor *m, const char *name, struct error *err)
{
        char tap[POOL_TAP];
        int r = m->job.network ? tie_tap(m, err) : 0;

        pool_tap_name(name, tap);
        return r == 0 && m->job.network ? tap_take(m->qemu_pidfd, tap, MONITOR_TAP, err) : r;
}

/* It keeps the cgroup in which it was born, under the limits of the job. Who cleans up behind a waiter that was killed must
   not find it there any more. */
static int take_cgroup(struct monitor *m, const char *name, struct error *err)
{
        int r = m->job.cgroup ? vm_cgroup_open(m->job.pool.directory, name, &m->cgroup, err) : 0;

        m->memory_wanted = m->memory_allowed = m->job.memory_mib;
        if (r == 0 && m->job.cgroup)
                r = vm_cgroup_note(MONITOR_PLACE, &m->cgroup, err);
        if (r == 0)
                vm_cgroup_forget(m->job.pool.directory, name);
        /* Who serves its shares joins it yet. */
        if (r == 0 && m->job.n_shares)
                r = cgroup_open_for_exec(&m->cgroup, NULL, 0, err);
        return r == 0 ? monitor_limit_qemu(m, err) : r;
}

/* Of one that was no good: who kept it need not know of it any more, and the next one's is noted in its place. */
static void drop_cgroup(struct monitor *m)
{
        struct error ignored;

        if (m->cgroup.n && !cgroup_remove_empty(&m->cgroup))
                cgroup_destroy(&m->cgroup, &ignored);
        cgroup_finish(&m->cgroup);
}

static int claim(struct monitor *m, const char *name, struct error *err)
{
        static const char word = POOL_TAKEN;
        own_fd int sock = connect_to(m->job.pool.directory, name, err);
        int r = sock < 0 ? sock : receive(m, sock, err);

        if (r == 0)
                r = take_cgroup(m, name, err);
        if (r == 0)
                r = fd_send(sock, &word, 1, NULL, 0);
        if (r == 0)
                r = take_network(m, name, err);
        if (r == 0)
                r = monitor_give_disks(m, err);
        if (r < 0) {
                monitor_forget_qemu(m);
                drop_cgroup(m);
        }
        return r;
}

int pool_claim(struct monitor *m, const char *key, struct error *err)
{
        own_mem char *path = NULL;
        own_dir DIR *d = NULL;
        const struct dirent *e;
        struct machine machine;
        int r = 1;

        if (!m->job.pool.directory)
                return 1;
        if (asprintf(&path, "%s/instances", m->job.pool.directory) < 0) {
                path = NULL;
                return 1;
        }
        monitor_describe_machine(m, &machine);
        m->accelerator = machine.accelerator;
        d = opendir(path);
        while (r != 0 && d && (e = readdir(d)))
                if (strncmp(e->d_name, key, SHA256_HEX - 1) == 0)
                        r = claim(m, e->d_name, err);
        return r == 0 ? 0 : 1;
}
