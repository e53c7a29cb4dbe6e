/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instance has of networks while it runs: RUN/endpoints/ID. Written before anything of it is made, so that
 * whoever finds it knows what to take back; and it is where holt-dns reads names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "net/address.h"
#include "net/network.h"

struct endpoint_network {
        const char *network; /* its name */
        const char *bridge;
        const char *interface; /* the end of the veth pair on the host */
        const char *device;    /* the other one: "eth0" */
        struct ip ip4, ip6;    /* ip6.family 0: none */
        unsigned bits4, bits6;
        uint8_t mac[MAC_SIZE];
        bool internal;
        const char *const *aliases; /* names beside that of the instance; ends with NULL; never NULL */
};

/* A port of the host that leads to one of the instance. */
struct endpoint_port {
        struct ip host; /* family 0: all addresses of both families */
        uint16_t host_port, port;
        uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
};

struct endpoint {
        const char *id, *name;
        struct endpoint_network *networks;
        size_t n_networks;
        struct endpoint_port *ports;
        size_t n_ports;
        bool shared;            /* others have its network namespace, too: it may outlive the instance */
        const char *const *dns; /* who is asked for what is not here; empty: whom the host asks; never NULL */
        struct arena arena;
};

#define own_endpoint __attribute__((cleanup(endpoint_finish)))
void endpoint_finish(struct endpoint *e);

/* Whole or not at all. */
int endpoint_write(const struct network_place *p, const struct endpoint *e, struct error *err);
/* -ENOENT: it has none. */
int endpoint_read(const struct network_place *p, const char *id, struct endpoint *ret, struct error *err);
void endpoint_remove(const struct network_place *p, const char *id);

/* The same of the directory itself. */
int endpoint_read_at(int dir, const char *id, struct endpoint *ret, struct error *err);

/* *e is the caller's during the call. Stops when each() returns non-zero, and returns that. */
int endpoint_each(const struct network_place *p, int (*each)(void *userdata, struct endpoint *e), void *userdata,
                  struct error *err);

/* The network that published ports lead to, which is the first that reaches out; NULL: none does. */
const struct endpoint_network *endpoint_published(const struct endpoint *e);

const char *protocol_name(uint8_t protocol); /* "tcp" */
bool protocol_parse(const char *name, uint8_t *ret);
