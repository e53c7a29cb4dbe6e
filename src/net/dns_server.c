/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sys/fd.h"

enum { POLL_MAX = 3 + DNS_QUERIES_MAX + DNS_STREAMS_MAX };

int64_t dns_now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what is answered, and by whom ---- */

/* Interfaces in the sockets' namespace have the names of the bridges that they lead to. */
static const struct endpoint *find_client(struct dns_server *s, const struct dns_asker *asker)
{
        struct ifreq r = { .ifr_ifindex = (int)asker->index };

        return ioctl(s->sockets.udp, SIOCGIFNAME, &r) < 0 ? NULL : dns_names_client(&s->names, r.ifr_name, &asker->ip);
}

/* An address of a network on which the client is; others do not know its name. */
static bool is_own_reverse(const struct endpoint *client, const struct dns_question *q)
{
        struct ip ip;

        if (!dns_reverse_parse(q->name, &ip))
                return false;
        for (size_t i = 0; i < client->n_networks; i++) {
                const struct endpoint_network *n = &client->networks[i];
                struct subnet s = ip.family == AF_INET ? (struct subnet){ n->ip4, n->bits4 }
                                                       : (struct subnet){ n->ip6, n->bits6 };
                char text[SUBNET_TEXT_MAX];

                if (s.ip.family && subnet_parse(subnet_format(&s, text), &s, NULL) == 0 && subnet_contains(&s, &ip))
                        return true;
        }
        return false;
}

/* Whether others may be asked for the client. */
static bool find_resolvers(struct dns_server *s, const struct endpoint *client, struct dns_resolvers *ret)
{
        *ret = (struct dns_resolvers){};
        if (!endpoint_published(client))
                return false;
        for (size_t i = 0; client->dns[i]; i++)
                dns_resolvers_add(ret, client->dns[i]);
        if (!ret->n)
                *ret = *dns_host_resolvers(&s->host);
        return true;
}

static int refuse(uint8_t *data, size_t size, const struct dns_question *q, enum dns_code code)
{
        struct dns_answer a;

        dns_answer_begin(&a, data, size, data, q, code, code == DNS_NO_NAME);
        dns_answer_end(&a, q);
        return (int)a.len;
}

int dns_resolve(struct dns_server *s, const struct dns_asker *asker, uint8_t *data, size_t len, size_t size,
                struct dns_question *ret_question, struct dns_resolvers *ret_resolvers)
{
        const struct endpoint *client;
        struct dns_question q;
        struct dns_answer a;
        int code = dns_question_read(data, len, &q);

        if (code != DNS_OK)
                return code < 0 ? code : (int)dns_answer_error(data, data, (enum dns_code)code);
        client = find_client(s, asker);
        if (!client)
                return refuse(data, size, &q, DNS_REFUSED);
        if (asker->over_udp && q.udp_size < size)
                size = q.udp_size;
        dns_answer_begin(&a, data, size, data, &q, DNS_OK, true);
        if (dns_names_answer(&s->names, client, &q, &a) == DNS_FOUND) {
                dns_answer_end(&a, &q);
                return (int)a.len;
        }
        if (is_own_reverse(client, &q) || !find_resolvers(s, client, ret_resolvers))
                return refuse(data, size, &q, DNS_NO_NAME);
        *ret_question = q;
        return 0;
}

/* ---- its life ---- */

int dns_server_open(struct dns_server *s, const struct dns_sockets *sockets, struct error *err)
{
        int r;

        *s = (struct dns_server){ .sockets = *sockets };
        s->queries = calloc(DNS_QUERIES_MAX, dns_query_size());
        s->streams = calloc(DNS_STREAMS_MAX + 1, dns_stream_size());
        r = s->queries && s->streams ? 0 : error_set(err, ENOMEM, "out of memory");
        return r == 0 ? dns_names_open(&s->names, sockets->endpoints, err) : r;
}

void dns_server_close(struct dns_server *s)
{
        dns_query_close_all(s);
        dns_stream_close_all(s);
        dns_names_close(&s->names);
}

void dns_accept_failed(struct dns_server *s)
{
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                s->deaf_until = dns_now() + DNS_DEAF_MS;
}

static void give_netns(struct dns_server *s)
{
        int fd = accept4(s->sockets.control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        char byte = 0;

        if (fd < 0) {
                dns_accept_failed(s);
                return;
        }
        (void)fd_send(fd, &byte, 1, &s->sockets.netns, 1);
        close(fd);
}

/*
 * Who starts an instance writes its endpoint first and then looks whether the lock is held. So it is given up before
 * the last look: either we see the endpoint, or he sees the lock free and starts another one of us.
 */
static bool may_end(struct dns_server *s)
{
        if (dns_names_any(&s->names))
                return false;
        flock(s->sockets.lock, LOCK_UN);
        return !dns_names_any(&s->names) || flock(s->sockets.lock, LOCK_EX | LOCK_NB) < 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int wait_for(struct dns_server *s, struct pollfd *fds, size_t n)
{
        int64_t until = earlier(dns_query_deadline(s), dns_stream_deadline(s)), now = dns_now();
        int64_t timeout;

        if (s->deaf_until)
                until = earlier(until, s->deaf_until);
        timeout = until == INT64_MAX ? DNS_IDLE_MS : until > now ? until - now : 0;
        return poll(fds, n, (int)earlier(timeout, DNS_IDLE_MS));
}

static size_t fill(struct dns_server *s, struct pollfd *fds)
{
        const int own[] = { s->sockets.udp, s->sockets.tcp, s->sockets.control };
        size_t n = 0;

        for (size_t i = 0; i < 3; i++)
                fds[n++] = (struct pollfd){ .fd = i && s->deaf_until ? -1 : own[i], .events = POLLIN };
        for (size_t i = 0; i < s->n_queries; i++)
                fds[n++] = (struct pollfd){ .fd = dns_query_socket(s, i), .events = POLLIN };
        for (size_t i = 0; i < s->n_streams; i++, n++)
                fds[n].events = dns_stream_wants(s, i, &fds[n].fd);
        return n;
}

/* The last ones first: one that ends has its place taken by one behind it, which was looked at already. */
static void serve(struct dns_server *s, const struct pollfd *fds)
{
        size_t queries = s->n_queries, streams = s->n_streams;

        for (size_t i = streams; i-- > 0;)
                if (fds[3 + queries + i].revents)
                        dns_stream_advance(s, i);
        for (size_t i = queries; i-- > 0;)
                if (fds[3 + i].revents)
                        dns_query_answer(s, i);
        if (fds[0].revents)
                dns_query_receive(s);
        if (fds[1].revents)
                dns_stream_accept(s);
        if (fds[2].revents)
                give_netns(s);
}

int dns_server_run(struct dns_server *s, struct error *err)
{
        struct pollfd fds[POLL_MAX] = {};
        int64_t looked = dns_now();

        for (;;) {
                int r = wait_for(s, fds, fill(s, fds));
                int64_t now = dns_now();

                if (r < 0 && errno != EINTR)
                        return error_errno(err, errno, "wait");
                if (r > 0)
                        serve(s, fds);
                dns_query_expire(s, now);
                dns_stream_expire(s, now);
                if (s->deaf_until <= now)
                        s->deaf_until = 0;
                if (now - looked < DNS_IDLE_MS)
                        continue;
                looked = now;
                if (may_end(s))
                        return 0;
        }
}
