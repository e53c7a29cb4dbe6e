/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dns_server.h"

enum { DATAGRAM_MAX = 4096, RECEIVE_AT_ONCE = 32 };

/* Where an answer goes, by which way. */
struct way {
        struct sockaddr_in to;
        struct in_pktinfo over;
};

struct dns_query {
        int fd; /* connected to the resolver */
        struct way way;
        uint8_t id[2]; /* the asker's; ours is another one */
        struct dns_question question;
        uint8_t *message;
        size_t len;
        struct dns_resolvers resolvers;
        unsigned tries;
        int64_t deadline;
};

static void send_back(struct dns_server *s, const struct way *way, const uint8_t *data, size_t len)
{
        union {
                char data[CMSG_SPACE(sizeof(struct in_pktinfo))];
                struct cmsghdr align;
        } control = {};
        struct iovec iov = { (void *)(uintptr_t)data, len };
        struct msghdr m = { .msg_name = (void *)(uintptr_t)&way->to,
                            .msg_namelen = sizeof way->to,
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.data,
                            .msg_controllen = sizeof control.data };
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);

        *c = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
                               .cmsg_type = IP_PKTINFO,
                               .cmsg_len = CMSG_LEN(sizeof way->over) };
        memcpy(CMSG_DATA(c), &way->over, sizeof way->over);
        /* An asker who is gone misses nothing. */
        (void)sendmsg(s->sockets.udp, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- asking others ---- */

static void close_query(struct dns_server *s, struct dns_query *q)
{
        if (q->fd >= 0)
                close(q->fd);
        free(q->message);
        *q = s->queries[--s->n_queries];
}

static void fail(struct dns_server *s, struct dns_query *q)
{
        uint8_t data[DNS_UDP_SIZE];
        struct dns_answer a;

        memcpy(q->message, q->id, sizeof q->id);
        dns_answer_begin(&a, data, sizeof data, q->message, &q->question, DNS_SERVER_FAILURE, false);
        dns_answer_end(&a, &q->question);
        send_back(s, &q->way, data, a.len);
        close_query(s, q);
}

/* A new socket has a new port: who wants to answer in the resolver's place has to guess that as well. */
static int ask(struct dns_query *q)
{
        const struct dns_resolver *r = &q->resolvers.v[q->tries++ % q->resolvers.n];

        if (q->fd >= 0)
                close(q->fd);
        q->fd = socket(r->address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        q->deadline = dns_now() + DNS_TRY_MS;
        if (q->fd < 0 || getrandom(q->message, sizeof q->id, 0) != sizeof q->id ||
            connect(q->fd, (const struct sockaddr *)&r->address, r->len) < 0 ||
            send(q->fd, q->message, q->len, MSG_NOSIGNAL) < 0)
                return -errno;
        return 0;
}

/* The next resolver, or the first one again, until all have been asked often enough. */
static void ask_next(struct dns_server *s, struct dns_query *q)
{
        while (q->tries < q->resolvers.n * DNS_TRIES)
                if (ask(q) == 0)
                        return;
        fail(s, q);
}

static void forward(struct dns_server *s, const struct way *way, const uint8_t *message, size_t len,
                    const struct dns_question *question, const struct dns_resolvers *resolvers)
{
        struct dns_query *q = &s->queries[s->n_queries];

        if (s->n_queries == DNS_QUERIES_MAX)
                return;
        *q = (struct dns_query){ .fd = -1,
                                 .way = *way,
                                 .question = *question,
                                 .resolvers = *resolvers,
                                 .message = malloc(len + 1),
                                 .len = len };
        if (!q->message)
                return;
        memcpy(q->message, message, len);
        memcpy(q->id, message, sizeof q->id);
        s->n_queries++;
        ask_next(s, q);
}

/* ---- being asked ---- */

static ssize_t receive(struct dns_server *s, uint8_t *data, size_t size, struct way *ret)
{
        union {
                char data[CMSG_SPACE(sizeof(struct in_pktinfo))];
                struct cmsghdr align;
        } control = {};
        struct iovec iov = { data, size };
        struct msghdr m = { .msg_name = &ret->to,
                            .msg_namelen = sizeof ret->to,
                            .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.data,
                            .msg_controllen = sizeof control.data };
        ssize_t len = recvmsg(s->sockets.udp, &m, MSG_DONTWAIT);

        *ret = (struct way){ .to = ret->to };
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); len >= 0 && c; c = CMSG_NXTHDR(&m, c))
                if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
                        memcpy(&ret->over, CMSG_DATA(c), sizeof ret->over);
        /* It goes out from where it was sent to. */
        ret->over.ipi_spec_dst = ret->over.ipi_addr;
        return m.msg_flags & MSG_TRUNC ? 0 : len;
}

void dns_query_receive(struct dns_server *s)
{
        uint8_t data[DATAGRAM_MAX];

        for (int i = 0; i < RECEIVE_AT_ONCE; i++) {
                struct way way;
                ssize_t len = receive(s, data, sizeof data, &way);
                struct dns_asker asker = { .ip.family = AF_INET,
                                           .index = (unsigned)way.over.ipi_ifindex,
                                           .over_udp = true };
                struct dns_resolvers resolvers;
                struct dns_question q;
                int r;

                if (len < 0)
                        return;
                memcpy(asker.ip.bytes, &way.to.sin_addr, sizeof way.to.sin_addr);
                r = dns_resolve(s, &asker, data, (size_t)len, sizeof data, &q, &resolvers);
                if (r > 0)
                        send_back(s, &way, data, (size_t)r);
                else if (r == 0)
                        forward(s, &way, data, (size_t)len, &q, &resolvers);
        }
}

/* ---- answers of others ---- */

void dns_query_answer(struct dns_server *s, size_t i)
{
        struct dns_query *q = &s->queries[i];
        uint8_t data[DNS_MESSAGE_MAX];
        ssize_t len = recv(q->fd, data, sizeof data, MSG_DONTWAIT);

        /* Nobody listens there. */
        if (len < 0 && errno != EAGAIN && errno != EINTR) {
                ask_next(s, q);
                return;
        }
        if (len < 0 || !dns_is_answer(data, (size_t)len, q->message, &q->question))
                return;
        memcpy(data, q->id, sizeof q->id);
        send_back(s, &q->way, data, (size_t)len);
        close_query(s, q);
}

void dns_query_expire(struct dns_server *s, int64_t now)
{
        for (size_t i = s->n_queries; i-- > 0;)
                if (s->queries[i].deadline <= now)
                        ask_next(s, &s->queries[i]);
}

int64_t dns_query_deadline(const struct dns_server *s)
{
        int64_t first = INT64_MAX;

        for (size_t i = 0; i < s->n_queries; i++)
                if (s->queries[i].deadline < first)
                        first = s->queries[i].deadline;
        return first;
}

int dns_query_socket(const struct dns_server *s, size_t i)
{
        return s->queries[i].fd;
}

size_t dns_query_size(void)
{
        return sizeof(struct dns_query);
}

void dns_query_close_all(struct dns_server *s)
{
        while (s->n_queries)
                close_query(s, &s->queries[s->n_queries - 1]);
        free(s->queries);
}
