/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports: what --publish says, and holding them on the host. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "net/endpoint.h"

/* One port of the instance; the host's is the first free one of a range, of all if that is 0. */
struct port_wish {
        struct ip host; /* family 0: all */
        uint16_t host_first, host_last;
        uint16_t port;
        uint8_t protocol;
        bool for_listening; /* a program will: what is left of connections that ended is no hindrance */
};

struct port_wishes {
        struct port_wish *v;
        size_t n, cap;
};

#define own_port_wishes __attribute__((cleanup(port_wishes_finish)))
void port_wishes_finish(struct port_wishes *w);

/*
 * --publish: "[ADDRESS:][PORT[-PORT]:]PORT[-PORT][/PROTOCOL]", an IPv6 address in brackets. -EINVAL. One port that
 * is there already is not added again.
 */
int port_wishes_add(struct port_wishes *w, const char *text, struct error *err);

/* --expose and the image's EXPOSE: "PORT[-PORT][/PROTOCOL]", each to be published on a port that is free. */
int port_wishes_add_exposed(struct port_wishes *w, const char *text, struct error *err);

/* "80/tcp": the same for one port, as `holt port` wants it. */
int port_parse(const char *text, uint16_t *ret_port, uint8_t *ret_protocol, struct error *err);

/*
 * Takes the ports of the host: no other program gets them as long as the descriptor that is returned stays open, in
 * whatever process. *ret: what they became, in the arena. -EADDRINUSE says who has one.
 */
int port_hold(const struct network_place *p, const struct port_wishes *w, struct arena *a, struct endpoint_port **ret,
              struct error *err);

/* Appends " by ..." for whoever has the port: an instance of ours, or a process of the host. Nothing if nobody is
 * found. */
void port_find_owner(const struct network_place *p, const struct port_wish *w, uint16_t port, struct buf *out);
