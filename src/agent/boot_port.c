/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/boot.h"
#include "base/own.h"
#include "sys/fd.h"

#define PORTS "/sys/class/virtio-ports"

/* Milliseconds; a host that is very busy needs more than one thinks. */
enum { PATIENCE = 60000 };

static bool is_called(int dir, const char *port, const char *wanted)
{
        char path[300], name[64];

        snprintf(path, sizeof path, "%s/name", port);
        return fd_read_file_at(dir, path, name, sizeof name) > 0 && strcmp(name, wanted) == 0;
}

/* -ENOENT: it is not there yet. */
static int open_called(const char *name)
{
        own_dir DIR *dir = opendir(PORTS);
        const struct dirent *e;
        char path[300];

        while (dir && (e = readdir(dir))) {
                int fd;

                if (e->d_name[0] == '.' || !is_called(dirfd(dir), e->d_name, name))
                        continue;
                snprintf(path, sizeof path, "/dev/%s", e->d_name);
                fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
                return fd < 0 ? -errno : fd;
        }
        return -ENOENT;
}

static bool is_connected(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLOUT };

        return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

/* The device tells its driver of its ports one after the other, and nobody tells us. */
int boot_open_port(const char *name, struct error *err)
{
        static const struct timespec pause = { .tv_nsec = 500000 };
        own_fd int fd = -1;

        for (int i = 0; i < PATIENCE * 2; i++) {
                if (fd < 0)
                        fd = open_called(name);
                if (fd >= 0 && is_connected(fd))
                        return take_fd(&fd);
                if (fd < 0 && fd != -ENOENT)
                        return error_errno(err, -fd, "open the port %s", name);
                nanosleep(&pause, NULL);
        }
        return error_set(err, ETIMEDOUT, "there is no port %s", name);
}
