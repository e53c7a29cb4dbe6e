/* SPDX-License-Identifier: Apache-2.0 */
#include "container/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

/* Errors alone are long: the others send only what they need. */
static int send_message(int sock, const struct message *m, size_t len, int fd)
{
        return fd_send(sock, m, len, &fd, fd >= 0);
}

int message_send(int sock, enum message_type type, int fd)
{
        struct message m = { .type = type };

        return send_message(sock, &m, offsetof(struct message, error), fd);
}

int message_send_pid(int sock, int32_t pid)
{
        struct message m = { .type = MESSAGE_STAGE_PID, .pid = pid };

        return send_message(sock, &m, offsetof(struct message, error), -1);
}

int message_send_error(int sock, const struct error *err)
{
        struct message m = { .type = MESSAGE_ERROR, .error = *err };

        return send_message(sock, &m, sizeof m, -1);
}

int message_receive(int sock, struct message *ret, int *ret_fd)
{
        struct message m = {};
        int fd = -1;
        size_t n_fds = 1;
        ssize_t n = fd_receive(sock, &m, sizeof m, &fd, &n_fds);

        if (n == -ECONNRESET)
                return 0;
        if (n <= 0)
                return (int)n;
        if (n != sizeof m && n != offsetof(struct message, error))
                return -EPROTO;
        m.error.text[sizeof m.error.text - 1] = '\0';
        *ret = m;
        if (ret_fd)
                *ret_fd = n_fds ? fd : -1;
        else if (n_fds)
                close(fd);
        return 1;
}

int message_expect(int sock, enum message_type type, int *ret_fd, struct error *err)
{
        struct message m;
        int r = message_receive(sock, &m, ret_fd);

        if (r < 0)
                return error_errno(err, -r, "talk to the container's first process");
        if (r == 0)
                return error_set(err, EPIPE, "the container's first process died while it was set up");
        if (m.type == MESSAGE_ERROR) {
                *err = m.error;
                return -err->code;
        }
        if (m.type != type)
                return error_set(err, EPROTO, "unexpected message %d from the container's first process", (int)m.type);
        return 0;
}
