/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

/* The kernel's SCM_MAX_FD. */
enum { FDS_AT_ONCE = 253 };

int32_t protocol_limit(unsigned type)
{
        static const int32_t limits[] = {
                [0] = -1,
                [PROTOCOL_HELLO] = 4,
                [PROTOCOL_START] = PROTOCOL_MAX_START,
                [PROTOCOL_STARTED] = PROTOCOL_MAX_STATE,
                [PROTOCOL_ERROR] = PROTOCOL_MAX_STATE,
                [PROTOCOL_DONE] = 0,
                [PROTOCOL_ATTACH] = 1,
                [PROTOCOL_STDIN] = PROTOCOL_MAX_DATA,
                [PROTOCOL_STDOUT] = PROTOCOL_MAX_DATA,
                [PROTOCOL_STDERR] = PROTOCOL_MAX_DATA,
                [PROTOCOL_END] = 0,
                [PROTOCOL_WINDOW] = 4,
                [PROTOCOL_RESIZE] = 4,
                [PROTOCOL_SIGNAL] = 8,
                [PROTOCOL_STOP] = 4,
                [PROTOCOL_WAIT] = 1,
                [PROTOCOL_STATE] = PROTOCOL_MAX_STATE,
                [PROTOCOL_EXITED] = PROTOCOL_MAX_STATE,
                [PROTOCOL_CONFIGURE] = PROTOCOL_MAX_CONFIGURE,
                [PROTOCOL_STATS] = 0,
                [PROTOCOL_SHUTDOWN] = 0,
                [PROTOCOL_PAUSE] = 1,
                [PROTOCOL_PREPARE] = 0,
                [PROTOCOL_RENAME] = PROTOCOL_MAX_NAME,
                [PROTOCOL_UPDATE] = PROTOCOL_MAX_DATA,
                [PROTOCOL_SUSPEND] = 0,
                [PROTOCOL_RESUME] = PROTOCOL_MAX_CONFIGURE,
                [PROTOCOL_SAVE] = PROTOCOL_MAX_STATE,
                [PROTOCOL_RESET] = 0,
        };

        return type < ARRAY_SIZE(limits) ? limits[type] : -1;
}

/* Types of this length have no other. */
static bool is_whole(unsigned type, uint32_t len)
{
        int32_t limit = protocol_limit(type);

        if (type == PROTOCOL_SIGNAL)
                return len == 4 || len == 8;
        return limit > 4 || (uint32_t)limit == len;
}

uint16_t protocol_u16(const unsigned char *p)
{
        return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t protocol_u32(const unsigned char *p)
{
        return (uint32_t)protocol_u16(p) | (uint32_t)protocol_u16(p + 2) << 16;
}

void protocol_put_u16(unsigned char *p, uint16_t v)
{
        p[0] = (unsigned char)v;
        p[1] = (unsigned char)(v >> 8);
}

void protocol_put_u32(unsigned char *p, uint32_t v)
{
        protocol_put_u16(p, (uint16_t)v);
        protocol_put_u16(p + 2, (uint16_t)(v >> 16));
}

void protocol_header(unsigned char ret[PROTOCOL_HEADER], unsigned type, uint32_t len)
{
        protocol_put_u32(ret, len);
        protocol_put_u16(ret + 4, (uint16_t)type);
        protocol_put_u16(ret + 6, 0);
}

void protocol_add(struct buf *out, unsigned type, const void *payload, size_t len)
{
        protocol_add_to(out, 0, type, payload, len);
}

void protocol_add_to(struct buf *out, uint16_t session, unsigned type, const void *payload, size_t len)
{
        unsigned char header[PROTOCOL_HEADER];

        protocol_header(header, type, (uint32_t)len);
        protocol_put_u16(header + 6, session);
        buf_add(out, header, sizeof header);
        buf_add(out, payload, len);
}

/* ---- reading ---- */

void protocol_reader_finish(struct protocol_reader *r)
{
        for (size_t i = 0; i < r->n_fds; i++)
                close(r->fds[i]);
        free(r->fds);
        free(r->data);
        *r = (struct protocol_reader){};
}

void protocol_reader_rest(struct protocol_reader *r)
{
        if (r->start < r->end)
                return;
        free(r->data);
        r->data = NULL;
        r->start = r->end = r->cap = 0;
}

/* 1: *ret is a header that may stand there; 0: it is not there yet; -EPROTO. */
static int read_header(const struct protocol_reader *r, struct frame *ret)
{
        const unsigned char *p = r->data + r->start;
        int32_t limit;

        if (r->end - r->start < PROTOCOL_HEADER)
                return 0;
        *ret = (struct frame){ .len = protocol_u32(p), .type = protocol_u16(p + 4), .session = protocol_u16(p + 6) };
        limit = protocol_limit(ret->type);
        if (limit < 0 || ret->len > (uint32_t)limit || !is_whole(ret->type, ret->len) ||
            ((ret->type == PROTOCOL_START || ret->type == PROTOCOL_CONFIGURE || ret->type == PROTOCOL_RESUME) &&
             !r->may_start))
                return -EPROTO;
        return 1;
}

/* Room for `room` bytes more, and for the rest of the frame that has begun. */
static int make_room(struct protocol_reader *r, size_t room)
{
        size_t have = r->end - r->start, want = have + room;
        struct frame f;
        unsigned char *data;

        if (read_header(r, &f) > 0 && want < PROTOCOL_HEADER + f.len)
                want = PROTOCOL_HEADER + f.len;
        if (r->start && have)
                memmove(r->data, r->data + r->start, have);
        r->start = 0;
        r->end = have;
        if (want <= r->cap)
                return 0;
        data = realloc(r->data, want);
        if (!data)
                return -ENOMEM;
        r->data = data;
        r->cap = want;
        return 0;
}

/* Those that are too many are closed: a client has no business sending any. */
static void take_fds(struct protocol_reader *r, const int *fds, size_t n)
{
        int *all = NULL;

        if (r->may_start && r->n_fds + n <= PROTOCOL_MAX_FDS)
                all = realloc(r->fds, (r->n_fds + n) * sizeof *all);
        if (!all) {
                for (size_t i = 0; i < n; i++)
                        close(fds[i]);
                return;
        }
        memcpy(all + r->n_fds, fds, n * sizeof *fds);
        r->fds = all;
        r->n_fds += n;
}

static void find_fds(struct protocol_reader *r, struct msghdr *m)
{
        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                int fds[FDS_AT_ONCE];
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || !n || n > FDS_AT_ONCE)
                        continue;
                memcpy(fds, CMSG_DATA(c), n * sizeof(int));
                take_fds(r, fds, n);
        }
}

ssize_t protocol_receive(struct protocol_reader *r, int sock, size_t room)
{
        union {
                struct cmsghdr header;
                char data[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
        } control;
        struct iovec iov;
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        int was_reset = 0;
        ssize_t n;

        if (make_room(r, room) < 0)
                return -ENOMEM;
        /* Who may send none has them dropped by the kernel. */
        if (r->may_start) {
                m.msg_control = &control;
                m.msg_controllen = sizeof control;
        }
        iov = (struct iovec){ r->data + r->end, r->cap - r->end };
        do
                n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
        while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !was_reset++)));
        if (n < 0)
                return -errno;
        find_fds(r, &m);
        r->end += (size_t)n;
        return n;
}

ssize_t protocol_read(struct protocol_reader *r, int fd, size_t room)
{
        ssize_t n;

        if (make_room(r, room) < 0)
                return -ENOMEM;
        do
                n = read(fd, r->data + r->end, r->cap - r->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        r->end += (size_t)n;
        return n;
}

int protocol_feed(struct protocol_reader *r, const void *data, size_t len)
{
        int e = make_room(r, len);

        if (e < 0)
                return e;
        memcpy(r->data + r->end, data, len);
        r->end += len;
        return 0;
}

int protocol_next(struct protocol_reader *r, struct frame *ret)
{
        struct frame f;
        int n = read_header(r, &f);

        if (n <= 0)
                return n;
        if (r->end - r->start < PROTOCOL_HEADER + f.len)
                return 0;
        f.payload = r->data + r->start + PROTOCOL_HEADER;
        r->start += PROTOCOL_HEADER + f.len;
        *ret = f;
        return 1;
}

bool protocol_is_in_order(const struct frame *f, bool *said_hello)
{
        bool is_hello = f->type == PROTOCOL_HELLO;

        if (f->session || is_hello == *said_hello || (is_hello && protocol_u32(f->payload) != PROTOCOL_VERSION))
                return false;
        *said_hello = true;
        return true;
}

/* ---- for who can wait ---- */

static ssize_t send_some(int sock, const char *data, size_t len, const int *fds, size_t n_fds)
{
        union {
                struct cmsghdr header;
                char data[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
        } control = {};
        struct iovec iov = { (void *)data, len };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (n_fds) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                                   .cmsg_type = SCM_RIGHTS,
                                                   .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        }
        do
                n = sendmsg(sock, &m, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

int protocol_send_raw(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
        const char *p = data;

        while (len) {
                size_t now = n_fds < FDS_AT_ONCE ? n_fds : FDS_AT_ONCE;
                /* A byte for each load of descriptors but the last. */
                ssize_t n = send_some(sock, p, n_fds > now ? 1 : len, fds, now);

                if (n < 0)
                        return (int)n;
                p += n;
                len -= (size_t)n;
                fds += now;
                n_fds -= now;
        }
        return 0;
}

int protocol_send(int sock, unsigned type, const void *payload, size_t len)
{
        own_buf struct buf frame = {};

        protocol_add(&frame, type, payload, len);
        return buf_failed(&frame) ? -ENOMEM : protocol_send_raw(sock, frame.data, frame.len, NULL, 0);
}

/* All of it; 0 at the end of the stream, which may not be in the middle. That the other side ended with something from
 * us unread the kernel says once, before what it had sent. */
static int receive_all(int sock, unsigned char *data, size_t len)
{
        size_t have = 0;
        bool was_reset = false;

        while (have < len) {
                ssize_t n = recv(sock, data + have, len - have, 0);

                if (n == 0)
                        return have ? -EPROTO : 0;
                if (n < 0 && errno == ECONNRESET && !was_reset)
                        was_reset = true;
                else if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        have += (size_t)n;
        }
        return 1;
}

int protocol_receive_one(int sock, struct frame *ret, unsigned char *payload)
{
        unsigned char header[PROTOCOL_HEADER];
        struct protocol_reader r = { .data = header, .end = sizeof header };
        struct frame f;
        int n = receive_all(sock, header, sizeof header);

        if (n <= 0)
                return n;
        if (read_header(&r, &f) <= 0 || f.len > PROTOCOL_MAX_STATE)
                return -EPROTO;
        n = f.len ? receive_all(sock, payload, f.len) : 1;
        if (n <= 0)
                return n < 0 ? n : -EPROTO;
        payload[f.len] = '\0';
        f.payload = payload;
        *ret = f;
        return 1;
}
