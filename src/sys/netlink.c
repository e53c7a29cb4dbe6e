/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

/* As large as the kernel's largest message of a dump. */
enum { RECEIVE_SIZE = 32768 };

int netlink_open(int protocol, struct netlink *ret, struct error *err)
{
        own_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        int one = 1;

        if (fd < 0)
                return error_errno(err, errno, "open a netlink socket");
        /* Errors come with the kernel's words and without our message. Kernels that cannot do so say less. */
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
        *ret = (struct netlink){ .fd = take_fd(&fd) };
        return 0;
}

void netlink_close(struct netlink *n)
{
        if (n->fd >= 0)
                close(n->fd);
        n->fd = -1;
}

/* ---- writing ---- */

static void pad(struct buf *b)
{
        static const char zeros[NLMSG_ALIGNTO];

        buf_add(b, zeros, NLMSG_ALIGN(b->len) - b->len);
}

size_t netlink_begin(struct netlink *n, struct buf *b, uint16_t type, uint16_t flags, const void *header, size_t len)
{
        const struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST, .nlmsg_seq = ++n->seq };
        size_t at = b->len;

        buf_add(b, &h, sizeof h);
        buf_add(b, header, len);
        pad(b);
        return at;
}

void netlink_end(struct buf *b, size_t at)
{
        uint32_t len = (uint32_t)(b->len - at);

        if (!buf_failed(b))
                memcpy(b->data + at + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof len);
}

void netlink_add(struct buf *b, uint16_t type, const void *data, size_t len)
{
        const struct nlattr a = { .nla_len = (uint16_t)(sizeof a + len), .nla_type = type };

        buf_add(b, &a, sizeof a);
        buf_add(b, data, len);
        pad(b);
}

void netlink_add_u8(struct buf *b, uint16_t type, uint8_t v)
{
        netlink_add(b, type, &v, sizeof v);
}

void netlink_add_u32(struct buf *b, uint16_t type, uint32_t v)
{
        netlink_add(b, type, &v, sizeof v);
}

void netlink_add_str(struct buf *b, uint16_t type, const char *s)
{
        netlink_add(b, type, s, strlen(s) + 1);
}

size_t netlink_nest(struct buf *b, uint16_t type)
{
        size_t at = b->len;

        netlink_add(b, type | NLA_F_NESTED, NULL, 0);
        return at;
}

void netlink_nest_end(struct buf *b, size_t at)
{
        uint16_t len = (uint16_t)(b->len - at);

        if (!buf_failed(b))
                memcpy(b->data + at + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

/* ---- reading ---- */

/* Attributes in [a, end). */
static const struct nlattr *find(const char *a, const char *end, uint16_t type)
{
        while (end - a >= (ptrdiff_t)sizeof(struct nlattr)) {
                const struct nlattr *attr = (const struct nlattr *)(const void *)a;

                if (attr->nla_len < sizeof *attr || attr->nla_len > end - a)
                        break;
                if ((attr->nla_type & NLA_TYPE_MASK) == type)
                        return attr;
                if (end - a < NLA_ALIGN(attr->nla_len))
                        break;
                a += NLA_ALIGN(attr->nla_len);
        }
        return NULL;
}

const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t header, uint16_t type)
{
        const char *m = (const char *)message;

        if (message->nlmsg_len < NLMSG_HDRLEN + NLMSG_ALIGN(header))
                return NULL;
        return find(m + NLMSG_HDRLEN + NLMSG_ALIGN(header), m + message->nlmsg_len, type);
}

const struct nlattr *netlink_find_nested(const struct nlattr *outer, uint16_t type)
{
        const char *a = (const char *)outer;

        return outer ? find(a + sizeof *outer, a + outer->nla_len, type) : NULL;
}

const void *netlink_data(const struct nlattr *a)
{
        return (const char *)a + sizeof *a;
}

size_t netlink_len(const struct nlattr *a)
{
        return a->nla_len - sizeof *a;
}

uint32_t netlink_u32(const struct nlattr *a)
{
        uint32_t v = 0;

        if (a && netlink_len(a) >= sizeof v)
                memcpy(&v, netlink_data(a), sizeof v);
        return v;
}

/* ---- talking ---- */

struct talk {
        uint32_t last; /* the sequence number that ends it */
        bool done;
        int result;
        int (*each)(void *userdata, const struct nlmsghdr *message);
        void *userdata;
        struct error *err;
};

/* The text is an attribute behind the header of our message, which NETLINK_CAP_ACK leaves alone there. */
static void set_error(struct talk *t, const struct nlmsghdr *message, int code)
{
        const struct nlattr *text = message->nlmsg_flags & NLM_F_ACK_TLVS && message->nlmsg_flags & NLM_F_CAPPED
                                            ? netlink_find(message, sizeof(struct nlmsgerr), NLMSGERR_ATTR_MSG)
                                            : NULL;

        if (text)
                t->result = error_set(t->err, code, "%s (%.*s)", strerror(code), (int)netlink_len(text),
                                      (const char *)netlink_data(text));
        else
                t->result = error_set(t->err, code, "%s", strerror(code));
}

static void take_message(struct talk *t, const struct nlmsghdr *message)
{
        int code;

        if (message->nlmsg_type != NLMSG_ERROR && message->nlmsg_type != NLMSG_DONE) {
                if (t->each && t->result == 0)
                        t->result = t->each(t->userdata, message);
                return;
        }
        if (message->nlmsg_len < NLMSG_HDRLEN + sizeof code)
                return;
        memcpy(&code, (const char *)message + NLMSG_HDRLEN, sizeof code);
        if (code < 0 && t->result == 0)
                set_error(t, message, -code);
        if (message->nlmsg_seq == t->last)
                t->done = true;
}

/* Messages are aligned, which clang does not see in NLMSG_NEXT(). */
static const struct nlmsghdr *next_message(const struct nlmsghdr *m, size_t *left)
{
        size_t len = NLMSG_ALIGN(m->nlmsg_len);

        *left = len < *left ? *left - len : 0;
        return (const struct nlmsghdr *)(const void *)((const char *)m + len);
}

static int receive(struct netlink *n, struct talk *t)
{
        char data[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
        ssize_t len = recv(n->fd, data, sizeof data, 0);
        const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)data;
        size_t left = len < 0 ? 0 : (size_t)len;

        if (len < 0)
                return errno == EINTR ? 0 : error_errno(t->err, errno, "receive from netlink");
        for (; NLMSG_OK(m, left); m = next_message(m, &left))
                take_message(t, m);
        return 0;
}

static int talk(struct netlink *n, struct buf *b, struct talk *t)
{
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        ssize_t sent;
        int r = 0;

        if (buf_failed(b))
                return error_set(t->err, ENOMEM, "out of memory");
        sent = sendto(n->fd, b->data, b->len, 0, (const struct sockaddr *)&kernel, sizeof kernel);
        b->len = 0;
        if (sent < 0)
                return error_errno(t->err, errno, "send to netlink");
        while (r == 0 && !t->done)
                r = receive(n, t);
        return r < 0 ? r : t->result;
}

int netlink_talk(struct netlink *n, struct buf *b, struct error *err)
{
        struct talk t = { .last = n->seq, .err = err };

        return talk(n, b, &t);
}

int netlink_ask(struct netlink *n, struct buf *b, int (*each)(void *userdata, const struct nlmsghdr *message),
                void *userdata, struct error *err)
{
        struct talk t = { .last = n->seq, .each = each, .userdata = userdata, .err = err };

        return talk(n, b, &t);
}
