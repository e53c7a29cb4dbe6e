/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/share_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "share/share.h"
#include "sys/fd.h"

enum { SIZE = (1 << 20) + (64 << 10) };

/* ---- requests ---- */

static void pump_up(int port, int fuse, char *buf)
{
        for (;;) {
                ssize_t n = read(fuse, buf, SIZE);

                /* One was interrupted before we had it. */
                if (n < 0 && (errno == ENOENT || errno == EINTR || errno == EAGAIN))
                        continue;
                if (n <= 0 || fd_write_all(port, buf, (size_t)n) < 0)
                        return;
        }
}

/* ---- answers ---- */

/* A process of its own: the kernel may wait for answers meanwhile. */
static void drop_caches(void)
{
        static const char all[] = "3";
        pid_t pid = fork();

        if (pid != 0)
                return;
        fd_write_file_at(AT_FDCWD, "/proc/sys/vm/drop_caches", all);
        _exit(0);
}

/* False: the file system is gone. Who asked may be as well, and then nobody wants the answer. */
static bool pass_down(int fuse, const struct fuse_out_header *head, const char *all)
{
        if (!head->unique && head->error == SHARE_NOTIFY_DROP_CACHES) {
                drop_caches();
                return true;
        }
        return write(fuse, all, head->len) >= 0 || errno != ENODEV;
}

/* Whole ones go to the kernel; *len is what is left over. */
static bool pass_all(int fuse, char *buf, size_t *len)
{
        size_t at = 0;

        for (;;) {
                struct fuse_out_header head;

                if (*len - at < sizeof head)
                        break;
                memcpy(&head, buf + at, sizeof head);
                if (head.len < sizeof head || head.len > SIZE)
                        return false;
                if (*len - at < head.len)
                        break;
                if (!pass_down(fuse, &head, buf + at))
                        return false;
                at += head.len;
        }
        if (at)
                memmove(buf, buf + at, *len - at);
        *len -= at;
        return true;
}

static void pump_down(int port, int fuse, char *buf)
{
        size_t len = 0;

        while (pass_all(fuse, buf, &len)) {
                ssize_t n = read(port, buf + len, SIZE - len);

                if (n == 0 || (n < 0 && errno != EINTR))
                        return;
                if (n > 0)
                        len += (size_t)n;
        }
}

/* ---- the processes ---- */

/*
 * Memory that it needs while the kernel makes room by writing to what it serves must not have to wait for that; and
 * without it all who have a file of the host's open would hang.
 */
static char *become(int port, int fuse)
{
        const int keep[] = { port, fuse };

        prctl(PR_SET_NAME, "holt-share");
        prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
        fd_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "-1000");
        fd_close_others(0, keep, ARRAY_SIZE(keep));
        signal(SIGCHLD, SIG_IGN);
        return malloc(SIZE);
}

/* When either ends so does the other: nobody shall wait for answers that do not come. */
static void pump(int port, int fuse)
{
        own_mem char *buf = become(port, fuse);
        pid_t parent = getpid(), pid = buf ? fork() : -1;

        if (pid < 0)
                return;
        if (pid > 0) {
                pump_down(port, fuse, buf);
                kill(pid, SIGKILL);
                return;
        }
        pump_up(port, fuse, buf);
        kill(parent, SIGKILL);
}

int share_pump_mount(int port, const char *place, struct error *err)
{
        own_fd int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];
        pid_t pid;

        if (fuse < 0)
                return error_errno(err, errno, "open /dev/fuse");
        snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
                 fuse);
        if (mount("holt", place, "fuse.holt", MS_NODEV, options) < 0)
                return error_errno(err, errno, "mount the host's directories");
        pid = fork();
        if (pid == 0) {
                pump(port, fuse);
                _exit(0);
        }
        return pid < 0 ? error_errno(err, errno, "start a process for the host's directories") : 0;
}
