/* SPDX-License-Identifier: Apache-2.0 */
#include "container/start_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "container/message.h"
#include "container/state.h"

/* Through the directory's descriptor: the path may be longer than a Unix address holds. */
static struct sockaddr_un address(int dirfd)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" STATE_START_SOCKET, dirfd);
        return a;
}

int start_socket_listen(int dirfd, struct error *err)
{
        own_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = address(dirfd);

        if (sock < 0 || bind(sock, (struct sockaddr *)&a, sizeof a) < 0 || listen(sock, 8) < 0)
                return error_errno(err, errno, "make the start socket");
        return take_fd(&sock);
}

int start_socket_connect(int dirfd)
{
        own_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = address(dirfd);

        if (sock < 0 || connect(sock, (struct sockaddr *)&a, sizeof a) < 0)
                return -errno;
        return take_fd(&sock);
}

bool start_socket_is_waiting(int dirfd)
{
        own_fd int sock = -1;
        struct stat st;

        if (fstatat(dirfd, STATE_START_SOCKET, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return false;
        sock = start_socket_connect(dirfd);
        return sock >= 0 || sock == -EAGAIN;
}

int start_socket_accept(int sock, struct error *err)
{
        for (;;) {
                own_fd int peer = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
                struct message m;

                if (peer < 0 && errno != EINTR && errno != ECONNABORTED)
                        return error_errno(err, errno, "wait for start");
                /* Whoever only looked whether we wait has gone again. */
                if (peer < 0 || message_receive(peer, &m, NULL) <= 0 || m.type != MESSAGE_GO)
                        continue;
                if (message_send(peer, MESSAGE_GO, -1) == 0)
                        return take_fd(&peer);
        }
}
