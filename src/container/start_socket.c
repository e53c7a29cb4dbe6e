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

/*
 * A Unix address holds 107 bytes, a path may be longer: so the socket is bound under a short name in ROOT and renamed,
 * and reached through a descriptor of itself.
 */
int start_socket_listen(const struct container *c, struct error *err)
{
        own_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        char temp[32], name[STATE_NAME_MAX];

        snprintf(temp, sizeof temp, ".start.%d", (int)getpid());
        snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", c->rootfd, temp);
        state_file_name(c->id, STATE_START_SOCKET, name);
        /* A process of the same pid may have died between the two calls. */
        unlinkat(c->rootfd, temp, 0);
        /* The file gets this mode, which no umask of the caller's can loosen. */
        if (sock < 0 || fchmod(sock, 0600) < 0 || bind(sock, (struct sockaddr *)&a, sizeof a) < 0 ||
            listen(sock, 8) < 0 || renameat(c->rootfd, temp, c->rootfd, name) < 0)
                return error_errno(err, errno, "make the start socket");
        return take_fd(&sock);
}

static int connect_to(const struct container *c, int flags)
{
        own_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0), file = -1;
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        char name[STATE_NAME_MAX];

        state_file_name(c->id, STATE_START_SOCKET, name);
        file = openat(c->rootfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (sock < 0 || file < 0)
                return -errno;
        snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d", file);
        if (connect(sock, (struct sockaddr *)&a, sizeof a) < 0)
                return -errno;
        return take_fd(&sock);
}

int start_socket_connect(const struct container *c)
{
        return connect_to(c, 0);
}

/* An init that is stopped or frozen takes nobody from the queue: full, it says EAGAIN, or would have us wait. */
bool start_socket_is_waiting(const struct container *c)
{
        own_fd int sock = connect_to(c, SOCK_NONBLOCK);

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
