/* SPDX-License-Identifier: Apache-2.0 */
#include "container/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "container/message.h"
#include "sys/fd.h"
#include "sys/terminal.h"

static const char ptmx[] = "/dev/pts/ptmx";

int console_connect(const char *path, struct error *err)
{
        int fd = fd_connect_unix(path);

        return fd < 0 ? error_errno(err, -fd, "connect to the console socket %s", path) : fd;
}

int console_create(int root, const struct spec_process *p, bool plain, int console_socket, int peer, struct error *err)
{
        own_fd int master = -1, slave = -1;
        int r = terminal_open(root, ptmx, &master, &slave);

        if (r < 0)
                return error_errno(err, -r, "open a terminal at %s of the container", ptmx);
        if (p->console_width || p->console_height) {
                r = terminal_set_size(master, p->console_height, p->console_width);
                if (r < 0)
                        return error_errno(err, -r, "set process.consoleSize");
        }
        /* A terminal that the runtime itself relays: its output may go to a file, and a terminal there ends lines
         * itself. */
        if (console_socket < 0 && !plain)
                terminal_keep_newlines(slave);
        r = console_socket >= 0 ? fd_send(console_socket, ptmx, sizeof ptmx - 1, &master, 1)
                                : message_send(peer, MESSAGE_CONSOLE, master);
        return r < 0 ? error_errno(err, -r, "hand over the terminal") : take_fd(&slave);
}

int console_adopt(int slave, struct error *err)
{
        int r = terminal_adopt(slave);

        return r < 0 ? error_errno(err, -r, "take the terminal") : 0;
}

static bool is_null(const struct stat *st)
{
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/*
 * The host's null device becomes the container's own: criu cannot save a file of a mount that the container does not
 * see. Where it has none it keeps the host's.
 */
static void own_null(int fd, int *own)
{
        struct stat st;

        if (*own < 0)
                *own = open("/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (*own >= 0 && fstat(*own, &st) == 0 && is_null(&st))
                dup2(*own, fd);
}

void console_own_stdio(const struct spec_process *p, const int *given)
{
        own_fd int null = -1;
        struct stat st;

        for (int fd = 0; fd < 3; fd++) {
                if (fstat(fd, &st) < 0)
                        continue;
                if (is_null(&st)) {
                        own_null(fd, &null);
                        continue;
                }
                if (st.st_uid == p->uid || (given && !S_ISFIFO(st.st_mode)))
                        continue;
                /* Another's socket or a read-only filesystem: then it stays as it is, as with every runtime. */
                if (fchown(fd, p->uid, (gid_t)-1) < 0)
                        continue;
        }
}

int console_take_stdio(const int *given, struct error *err)
{
        for (int fd = 0; given && fd < 3; fd++) {
                /* -1: it has a terminal. */
                if (given[fd] >= 0 && dup2(given[fd], fd) < 0)
                        return error_errno(err, errno, "take the standard streams");
        }
        return 0;
}
