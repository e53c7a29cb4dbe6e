/* SPDX-License-Identifier: Apache-2.0 */
#include "container/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "sys/fd.h"

static int write_pid_file(const char *path, pid_t pid, struct error *err)
{
        own_mem char *dir = strdup(path);
        own_fd int dirfd = -1;
        const char *name = strrchr(path, '/');
        char text[16];
        int r;

        if (!dir)
                return error_set(err, ENOMEM, "out of memory");
        if (name)
                dir[name - path + 1] = '\0';
        dirfd = open(name ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
                return error_errno(err, errno, "pid file %s", path);
        snprintf(text, sizeof text, "%d", (int)pid);
        r = fd_replace_file_at(dirfd, name ? name + 1 : path, text, strlen(text), 0644);
        return r < 0 ? error_errno(err, -r, "pid file %s", path) : 0;
}

int pid_file_announce(const struct container_options *o, pid_t pid, int pidfd, struct error *err)
{
        int r;

        if (o->pidfd_socket) {
                own_fd int sock = fd_connect_unix(o->pidfd_socket);

                r = sock < 0 ? sock : fd_send(sock, "pidfd", 5, &pidfd, 1);
                if (r < 0)
                        return error_errno(err, -r, "send the pidfd to %s", o->pidfd_socket);
        }
        return o->pid_file ? write_pid_file(o->pid_file, pid, err) : 0;
}
