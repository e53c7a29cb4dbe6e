/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-dns: names for the instances of all networks of a host.
 *
 * Theory of operation. The sockets on which it is asked are in a network namespace of their own, which has one end of a
 * veth pair for each network, all with the address 169.254.53.53. So neither a firewall that guards the host's own
 * ports (ufw, firewalld) nor another name server on the host's port 53 is in the way, as they are for one that listens
 * on the bridges' own addresses. The process itself is in the host's network, from where it asks the host's resolvers,
 * also one on 127.0.0.53.
 *
 * Who asks is known by the bridge and the address from which the question comes; he learns the names of the networks
 * that he is on himself. What no instance has for a name is asked of others, unless he is only on networks that do not
 * lead out: questions would.
 *
 * Every number is bounded; who asks too much is not answered.
 */
#pragma once

#include "base/error.h"
#include "net/dns_names.h"
#include "net/dns_resolvers.h"

enum {
        DNS_QUERIES_MAX = 256, /* that others are being asked, over UDP */
        DNS_STREAMS_MAX = 32,  /* connections of TCP */
        DNS_TRIES = 2,         /* of each resolver */
        DNS_TRY_MS = 2000,
        DNS_STREAM_MS = 10000, /* a connection on which nothing happens */
        DNS_DEAF_MS = 100,
        DNS_IDLE_MS = 30000, /* until it looks whether anybody could still ask */
};

/* What holt-dns is started with (dns_start.c). */
struct dns_sockets {
        int udp, tcp; /* to be asked on; tcp listens */
        int control;  /* listens; who connects gets netns */
        int netns;
        int endpoints; /* RUN/endpoints */
        int lock;      /* RUN/networks/dns, locked: that is how others know that it lives */
};

struct dns_query;
struct dns_stream;

struct dns_server {
        struct dns_sockets sockets;
        struct dns_names names;
        struct dns_host_resolvers host;
        struct dns_query *queries;
        struct dns_stream *streams;
        size_t n_queries, n_streams;
        int64_t deaf_until; /* nobody's connection is taken: there was no descriptor for one */
};

int dns_server_open(struct dns_server *s, const struct dns_sockets *sockets, struct error *err);
void dns_server_close(struct dns_server *s);

/* Returns when nobody is left who could ask. */
int dns_server_run(struct dns_server *s, struct error *err);

/* --- what both ways of asking share --- */

/* Who asked, and over what. */
struct dns_asker {
        struct ip ip;
        unsigned index; /* of the interface */
        bool over_udp;  /* he takes no more at once than he says */
};

/*
 * The answer goes into data (which has the question, and room for `size` bytes). Returns its length; 0: ret_resolvers
 * have to be asked; negative: there is no answer at all.
 */
int dns_resolve(struct dns_server *s, const struct dns_asker *asker, uint8_t *data, size_t len, size_t size,
                struct dns_question *ret_question, struct dns_resolvers *ret_resolvers);

int64_t dns_now(void); /* in milliseconds */

/* accept() has failed, as errno says: who waits is not looked at again and again. */
void dns_accept_failed(struct dns_server *s);

/* --- dns_query.c: over UDP --- */
/* A datagram is there. */
void dns_query_receive(struct dns_server *s);
/* An answer is there; the query may be gone afterwards, and the last one in its place. */
void dns_query_answer(struct dns_server *s, size_t i);
void dns_query_expire(struct dns_server *s, int64_t now);
int dns_query_socket(const struct dns_server *s, size_t i);
size_t dns_query_size(void);
int64_t dns_query_deadline(const struct dns_server *s);
void dns_query_close_all(struct dns_server *s);

/* --- dns_stream.c: over TCP --- */
void dns_stream_accept(struct dns_server *s);
/* What poll() is to wait for: *ret_fd and its events. */
short dns_stream_wants(const struct dns_server *s, size_t i, int *ret_fd);
/* Something has happened; the stream may be gone afterwards, and the last one in its place. */
void dns_stream_advance(struct dns_server *s, size_t i);
size_t dns_stream_size(void);
void dns_stream_expire(struct dns_server *s, int64_t now);
int64_t dns_stream_deadline(const struct dns_server *s);
void dns_stream_close_all(struct dns_server *s);
