/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of TCP: a message is its length in two bytes, then itself. One is read, answered, or passed on over a
 * connection to a resolver, and so is the next.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "net/dns_server.h"

enum { LENGTH_SIZE = 2, LOCAL_ANSWER_MAX = 16384 };

enum stream_state {
        STREAM_READ,   /* the question */
        STREAM_ASK,    /* it is sent to a resolver */
        STREAM_LISTEN, /* the resolver's answer comes */
        STREAM_ANSWER, /* the answer is sent */
};

struct dns_stream {
        int client, resolver;
        struct dns_asker asker;
        enum stream_state state;
        uint8_t *data; /* the message with its length before it */
        size_t len;    /* so much of it is there, or is to be sent */
        size_t at;     /* so much was sent */
        struct dns_resolvers resolvers;
        unsigned tries;
        struct dns_question question;
        int64_t deadline;
};

static void close_stream(struct dns_server *s, struct dns_stream *t)
{
        close(t->client);
        if (t->resolver >= 0)
                close(t->resolver);
        free(t->data);
        *t = s->streams[--s->n_streams];
}

/* Over which interface it came; 0: it does not say. */
static unsigned find_interface(int fd)
{
        union {
                char data[CMSG_SPACE(sizeof(struct in_pktinfo))];
                struct cmsghdr header;
        } control = {};
        socklen_t len = sizeof control;
        struct in_pktinfo info;

        if (getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, &control, &len) < 0 || len < CMSG_LEN(sizeof info) ||
            control.header.cmsg_type != IP_PKTINFO)
                return 0;
        memcpy(&info, CMSG_DATA(&control.header), sizeof info);
        return (unsigned)info.ipi_ifindex;
}

void dns_stream_accept(struct dns_server *s)
{
        struct sockaddr_in from = {};
        socklen_t len = sizeof from;
        own_fd int fd = accept4(s->sockets.tcp, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct dns_stream *t = &s->streams[s->n_streams];

        if (fd < 0)
                dns_accept_failed(s);
        if (fd < 0 || s->n_streams == DNS_STREAMS_MAX)
                return;
        *t = (struct dns_stream){ .client = fd,
                                  .resolver = -1,
                                  .asker = { .ip.family = AF_INET, .index = find_interface(fd) },
                                  .deadline = dns_now() + DNS_STREAM_MS,
                                  .data = malloc(LENGTH_SIZE + DNS_MESSAGE_MAX) };
        if (!t->data)
                return;
        memcpy(t->asker.ip.bytes, &from.sin_addr, sizeof from.sin_addr);
        take_fd(&fd);
        s->n_streams++;
}

/* ---- one step ---- */

static void put_length(struct dns_stream *t, size_t len)
{
        t->data[0] = (uint8_t)(len >> 8);
        t->data[1] = (uint8_t)len;
        t->len = LENGTH_SIZE + len;
        t->at = 0;
}

/* 1: the whole message is there; 0: not yet; negative: the connection is over. */
static int read_message(struct dns_stream *t, int fd)
{
        size_t wanted = t->len < LENGTH_SIZE ? LENGTH_SIZE : LENGTH_SIZE + (size_t)(t->data[0] << 8 | t->data[1]);
        ssize_t n;

        while (t->len < wanted) {
                n = recv(fd, t->data + t->len, wanted - t->len, MSG_DONTWAIT);
                if (n <= 0)
                        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
                t->len += (size_t)n;
                if (t->len == LENGTH_SIZE)
                        wanted = LENGTH_SIZE + (size_t)(t->data[0] << 8 | t->data[1]);
        }
        return 1;
}

/* 1: all of it was sent; 0: not yet. */
static int write_message(struct dns_stream *t, int fd)
{
        while (t->at < t->len) {
                ssize_t n = send(fd, t->data + t->at, t->len - t->at, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
                t->at += (size_t)n;
        }
        return 1;
}

static int ask(struct dns_stream *t)
{
        while (t->tries < t->resolvers.n) {
                const struct dns_resolver *r = &t->resolvers.v[t->tries++];

                if (t->resolver >= 0)
                        close(t->resolver);
                t->resolver = socket(r->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                t->state = STREAM_ASK;
                t->at = 0;
                if (t->resolver >= 0 &&
                    (connect(t->resolver, (const struct sockaddr *)&r->address, r->len) == 0 || errno == EINPROGRESS))
                        return 0;
        }
        return -ECONNREFUSED;
}

static int take_question(struct dns_server *s, struct dns_stream *t)
{
        int r = dns_resolve(s, &t->asker, t->data + LENGTH_SIZE, t->len - LENGTH_SIZE, LOCAL_ANSWER_MAX, &t->question,
                            &t->resolvers);

        if (r < 0)
                return r;
        if (r > 0) {
                put_length(t, (size_t)r);
                t->state = STREAM_ANSWER;
                return 0;
        }
        t->tries = 0;
        return ask(t);
}

static int step(struct dns_server *s, struct dns_stream *t)
{
        int r;

        switch (t->state) {
        case STREAM_READ:
                r = read_message(t, t->client);
                return r > 0 ? take_question(s, t) : r;
        case STREAM_ASK:
                r = write_message(t, t->resolver);
                if (r < 0)
                        return ask(t);
                if (r > 0) {
                        t->state = STREAM_LISTEN;
                        t->len = 0;
                }
                return 0;
        case STREAM_LISTEN:
                r = read_message(t, t->resolver);
                if (r > 0) {
                        close(t->resolver);
                        t->resolver = -1;
                        t->state = STREAM_ANSWER;
                        t->at = 0;
                }
                return r < 0 ? r : 0;
        case STREAM_ANSWER:
                r = write_message(t, t->client);
                if (r > 0) {
                        t->state = STREAM_READ;
                        t->len = 0;
                }
                return r < 0 ? r : 0;
        }
        return -EINVAL;
}

void dns_stream_advance(struct dns_server *s, size_t i)
{
        struct dns_stream *t = &s->streams[i];

        t->deadline = dns_now() + DNS_STREAM_MS;
        if (step(s, t) < 0)
                close_stream(s, t);
}

short dns_stream_wants(const struct dns_server *s, size_t i, int *ret_fd)
{
        const struct dns_stream *t = &s->streams[i];

        *ret_fd = t->state == STREAM_ASK || t->state == STREAM_LISTEN ? t->resolver : t->client;
        return t->state == STREAM_READ || t->state == STREAM_LISTEN ? POLLIN : POLLOUT;
}

void dns_stream_expire(struct dns_server *s, int64_t now)
{
        for (size_t i = s->n_streams; i-- > 0;)
                if (s->streams[i].deadline <= now)
                        close_stream(s, &s->streams[i]);
}

int64_t dns_stream_deadline(const struct dns_server *s)
{
        int64_t first = INT64_MAX;

        for (size_t i = 0; i < s->n_streams; i++)
                if (s->streams[i].deadline < first)
                        first = s->streams[i].deadline;
        return first;
}

size_t dns_stream_size(void)
{
        return sizeof(struct dns_stream);
}

void dns_stream_close_all(struct dns_server *s)
{
        while (s->n_streams)
                close_stream(s, &s->streams[s->n_streams - 1]);
        free(s->streams);
}
