/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of networks: one table of nftables, `inet holt`. Its rules are always the same; what changes stands in its
 * sets and maps, and is changed there by netlink: no start runs a program for it. Nobody else's table is touched, but
 * for Docker's chain for the rules of others (firewall_docker.c) and firewalld's list of trusted interfaces.
 */
#pragma once

#include "base/error.h"
#include "net/endpoint.h"
#include "net/network.h"
#include "sys/netlink.h"

/*
 * Makes sure that the rules are there: after a boot, or when somebody has flushed the ruleset, they are made and filled
 * with what runs. If nothing has changed in any table since the last look, this is one message to the kernel.
 */
int firewall_ensure(const struct network_place *p, struct error *err);

/* The bridge that is up gets its place in the sets. */
int firewall_add_network(const struct network_place *p, const struct network *n, struct error *err);
void firewall_remove_network(const struct network_place *p, const struct network *n);

/* Published ports lead to the endpoint, or no more. */
int firewall_publish(const struct network_place *p, const struct endpoint *e, struct error *err);
void firewall_unpublish(const struct network_place *p, const struct endpoint *e);

/* Everything of ours goes. */
void firewall_remove(const struct network_place *p);

/* --- firewall_table.c --- */
/* A chain that says which rules a table has: those of another version of holt are made anew. */
enum { FIREWALL_VERSION = 2 };
#define FIREWALL_VERSION_CHAIN "rules_2"
/* Makes the table anew, by nft(8). */
int firewall_table_load(struct error *err);

/* --- firewall_element.c --- */
struct firewall_batch {
        struct netlink netlink;
        struct buf messages;
        bool removes;
};

#define own_firewall_batch __attribute__((cleanup(firewall_batch_finish)))
int firewall_batch_open(struct firewall_batch *b, bool removes, struct error *err);
void firewall_batch_finish(struct firewall_batch *b);

/* Elements of the sets, as the table has them. */
void firewall_add_pair(struct firewall_batch *b, const char *set, const char *interface, const char *other);
void firewall_add_subnet(struct firewall_batch *b, const struct subnet *s, const char *interface);
void firewall_add_interface(struct firewall_batch *b, const char *set, const char *interface);
void firewall_add_port(struct firewall_batch *b, const struct endpoint_port *p, const struct ip *to);
/* All or none. -ENOENT: there is no such table; -EEXIST, or -ENOENT for removal: what is there is something else. */
int firewall_batch_commit(struct firewall_batch *b, struct error *err);

/* The ruleset's generation: it grows with every change that anybody makes to any table. */
int firewall_generation(struct firewall_batch *b, uint32_t *ret, struct error *err);
/* 1: firewall_add_pair() has added it; 0. */
int firewall_has_pair(struct firewall_batch *b, const char *set, const char *interface, const char *other,
                      struct error *err);
/* 1: there is such a chain in such a table; 0. */
int firewall_has(struct firewall_batch *b, int family, const char *table, const char *chain, struct error *err);

/* --- firewall_docker.c --- */
/* Docker sets the policy of the chain FORWARD to drop; what its chain DOCKER-USER accepts goes through. */
int firewall_docker_ensure(struct firewall_batch *b, struct error *err);
void firewall_docker_remove(void);

/* --- firewall_firewalld.c --- */
/* Where it runs, or has run. */
bool firewall_firewalld_runs(void);
/* It trusts the interface, or knows it no more; nothing where it does not run. */
void firewall_firewalld_trust(const char *interface);
void firewall_firewalld_forget(const char *interface);
