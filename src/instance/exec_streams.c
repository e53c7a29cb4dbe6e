/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/exec_relay.h"
#include "sys/stream.h"

static bool may_pass(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return false;
        return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

static int open_null(struct exec_streams *s, struct error *err)
{
        if (s->null < 0)
                s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
        return s->null < 0 ? error_errno(err, errno, "open /dev/null") : s->null;
}

static int open_stream(struct exec_streams *s, const struct exec_request *x, int fd, struct error *err)
{
        if (x->detach || (fd == STDIN_FILENO && !x->interactive))
                return s->given[fd] = open_null(s, err);
        if (!may_pass(fd))
                return stream_pipe(fd == STDIN_FILENO, &s->given[fd], &s->ours[fd], err);
        return s->given[fd] = fd;
}

int exec_streams_open(struct exec_streams *s, const struct exec_request *x, struct error *err)
{
        int r = 0;

        *s = (struct exec_streams){ .given = { -1, -1, -1 }, .ours = { -1, -1, -1 }, .null = -1 };
        if (x->tty && !x->detach)
                return 0;
        for (int fd = 0; r >= 0 && fd < 3; fd++)
                r = open_stream(s, x, fd, err);
        return r < 0 ? r : 0;
}

void exec_streams_hand_over(struct exec_streams *s)
{
        for (int fd = 0; fd < 3; fd++) {
                if (s->ours[fd] >= 0)
                        close(s->given[fd]);
                s->given[fd] = -1;
        }
        if (s->null >= 0)
                close(take_fd(&s->null));
}

void exec_streams_close(struct exec_streams *s)
{
        exec_streams_hand_over(s);
        for (int fd = 0; fd < 3; fd++) {
                if (s->ours[fd] >= 0)
                        close(take_fd(&s->ours[fd]));
        }
}
