/* SPDX-License-Identifier: Apache-2.0 */
/* holt-vm: started by holt-shim, with the program's standard streams and what monitor.h names as descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "monitor/pool.h"
#include "sys/fd.h"

enum { MAX_JOB = 18 << 20 };

static int listen_at(int place, struct error *err)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "vm.sock" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || fchdir(place) < 0 || (unlink(address.sun_path) < 0 && errno != ENOENT) ||
            bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, MONITOR_MAX_CLIENTS) < 0 ||
            chdir("/") < 0) {
                int code = errno;

                if (fd >= 0)
                        close(fd);
                return error_errno(err, code, "listen at vm.sock");
        }
        return fd;
}

/* All that a program may be sent; what we do wrong ourselves ends us. */
static int watch_signals(struct error *err)
{
        static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
        sigset_t set;
        int fd;

        sigfillset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
                sigdelset(&set, faults[i]);
        sigprocmask(SIG_BLOCK, &set, NULL);
        sigdelset(&set, SIGPIPE);
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? error_errno(err, errno, "watch signals") : fd;
}

static int begin(struct monitor *m, struct error *err)
{
        own_buf struct buf text = {};
        int r = fd_read_all(MONITOR_JOB, MAX_JOB, &text);

        close(MONITOR_JOB);
        if (r < 0)
                return error_errno(err, -r, "read the job");
        r = monitor_job_read(buf_str(&text), text.len, &m->job, err);
        if (r == 0)
                r = m->signals = watch_signals(err);
        if (r >= 0)
                r = m->listener = listen_at(MONITOR_PLACE, err);
        if (r < 0)
                return r;
        r = m->job.copy ? monitor_copy(m, err) : 1;
        if (r > 0)
                r = m->job.templates ? monitor_clone(m, err) : monitor_boot(m, err);
        if (r == 0)
                close_range(MONITOR_LAYERS, (unsigned)m->job.shares_at + m->job.n_shares - 1, 0);
        return r;
}

static void answer(const struct error *err)
{
        (void)!write(MONITOR_ANSWER, err, sizeof(*err));
        close(MONITOR_ANSWER);
}

int main(void)
{
        static struct monitor m = { .qemu_pidfd = -1,
                                    .guard = -1,
                                    .agent = -1,
                                    .share = -1,
                                    .console = -1,
                                    .signals = -1,
                                    .listener = -1,
                                    .qmp = { .fd = -1 } };
        struct error err = {};
        int status = 125;

        if (fd_cloexec_from(MONITOR_JOB) < 0 || fcntl(MONITOR_PLACE, F_GETFD) < 0) {
                fprintf(stderr, "holt-vm is started by holt-shim\n");
                return status;
        }
        umask(077);
        if (begin(&m, &err) == 0)
                err.code = 0;
        answer(&err);
        if (err.code == 0) {
                pool_fill(&m);
                status = monitor_serve(&m);
                if (m.has_exited)
                        shutdown_wait(&m);
        }
        monitor_leave_network(&m);
        monitor_end_qemu(&m);
        return status;
}
