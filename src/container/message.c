/* SPDX-License-Identifier: Apache-2.0 */
#include "container/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

int message_send_fds(int sock, enum message_type type, int32_t number, const int *fds, size_t n_fds)
{
        struct message m = { .type = type, .number = number };

        /* Errors alone are long: the others send only what they need. */
        return fd_send(sock, &m, offsetof(struct message, error), fds, n_fds);
}

int message_send(int sock, enum message_type type, int fd)
{
        return message_send_fds(sock, type, 0, &fd, fd >= 0);
}

int message_send_error(int sock, const struct error *err)
{
        struct message m = { .type = MESSAGE_ERROR, .error = *err };

        return fd_send(sock, &m, sizeof m, NULL, 0);
}

int message_receive_fds(int sock, struct message *ret, int *fds, size_t *n_fds)
{
        struct message m = {};
        ssize_t n = fd_receive(sock, &m, sizeof m, fds, n_fds);

        /* The other end died with something from us unread; the kernel says so once, before what it had sent. */
        if (n == -ECONNRESET)
                n = fd_receive(sock, &m, sizeof m, fds, n_fds);
        if (n <= 0)
                return (int)n;
        if (n != sizeof m && n != offsetof(struct message, error))
                return -EPROTO;
        m.error.text[sizeof m.error.text - 1] = '\0';
        *ret = m;
        return 1;
}

int message_receive(int sock, struct message *ret, int *ret_fd)
{
        size_t n_fds = 1;
        int fd = -1, r = message_receive_fds(sock, ret, &fd, &n_fds);

        if (ret_fd)
                *ret_fd = fd;
        else if (fd >= 0)
                close(fd);
        return r;
}

/* What a reply other than the expected one means. */
static int check_reply(int r, const struct message *m, enum message_type type, struct error *err)
{
        if (r < 0)
                return error_errno(err, -r, "talk to the container's first process");
        if (r == 0)
                return error_set(err, EPIPE, "the other side died while the container was made");
        if (m->type == MESSAGE_ERROR) {
                *err = m->error;
                return -err->code;
        }
        if (m->type != type)
                return error_set(err, EPROTO, "unexpected message %d while the container was made", (int)m->type);
        return 0;
}

int message_expect(int sock, enum message_type type, int *ret_fd, struct error *err)
{
        struct message m = {};
        int r = message_receive(sock, &m, ret_fd);

        return check_reply(r, &m, type, err);
}

int message_expect_fds(int sock, enum message_type type, int32_t *ret_number, int *fds, size_t *n_fds,
                       struct error *err)
{
        struct message m = {};
        int r = check_reply(message_receive_fds(sock, &m, fds, n_fds), &m, type, err);

        if (r == 0)
                *ret_number = m.number;
        return r;
}
