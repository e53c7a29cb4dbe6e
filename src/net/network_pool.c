/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where subnets come from. Not Docker's 172.17.0.0/16 and up, not podman's 10.88.0.0/16 and up, which both are there
 * only while they have containers, not what Kubernetes has by custom, nor what stands in homes; what the host uses is
 * passed over, and where all of that pool is used (a route for 10.0.0.0/8 into a company's network) there are others.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "net/link.h"
#include "net/network.h"

static const struct {
        const char *first; /* the default network's, if it is free */
        const char *pool;
} pools[] = {
        { "10.112.0.0/16", "10.112.0.0/12" },
        { "172.31.0.0/16", "172.16.0.0/12" },
        { "192.168.208.0/20", "192.168.0.0/16" },
};

enum { POOL_BITS = 20 };

/* Whether something has addresses of the subnet. */
struct collision {
        struct subnet wanted;
        bool found;
        struct subnet with;

        char network[64]; /* whose it is; "": the host's */
};

static int see_host(void *userdata, const struct subnet *s)
{
        struct collision *c = userdata;

        c->found = subnet_overlaps(&c->wanted, s);
        if (c->found)
                c->with = *s;
        return c->found;
}

static int see_network(void *userdata, struct network *n)
{
        const struct network_range *const ranges[] = { &n->v4, &n->v6 };
        struct collision *c = userdata;

        for (size_t i = 0; i < 2 && !c->found; i++) {
                if (!ranges[i]->subnet.ip.family || !subnet_overlaps(&c->wanted, &ranges[i]->subnet))
                        continue;
                c->found = true;
                c->with = ranges[i]->subnet;
                strncpy(c->network, n->name, sizeof c->network - 1);
        }
        return c->found;
}

/* 1: it collides; 0. */
static int look(const struct network_place *p, struct netlink *n, struct collision *c, struct error *err)
{
        int r;

        c->found = false;
        c->network[0] = '\0';
        r = network_each(p, see_network, c, err);
        return r == 0 ? link_each_subnet(n, see_host, c, err) : r;
}

int network_check_subnet(const struct network_place *p, const struct subnet *s, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        struct collision c = { .wanted = *s };
        char a[SUBNET_TEXT_MAX], b[SUBNET_TEXT_MAX];
        int r = netlink_open(NETLINK_ROUTE, &n, err);

        if (r == 0)
                r = look(p, &n, &c, err);
        if (r <= 0)
                return r;
        if (*c.network)
                return error_set(err, EBUSY, "the subnet %s overlaps with %s of the network %s", subnet_format(s, a),
                                 subnet_format(&c.with, b), c.network);
        return error_set(err, EBUSY, "the subnet %s overlaps with %s, which this host has addresses or routes in",
                         subnet_format(s, a), subnet_format(&c.with, b));
}

int network_is_taken(const struct network *n, struct netlink *host, unsigned except, struct subnet *ret_with,
                     struct error *err)
{
        const struct network_range *const ranges[] = { &n->v4, &n->v6 };

        for (size_t i = 0; i < 2; i++) {
                struct collision c = { .wanted = ranges[i]->subnet };
                int r = c.wanted.ip.family ? link_each_address(host, except, see_host, &c, err) : 0;

                if (r > 0)
                        *ret_with = c.with;
                if (r != 0)
                        return r;
        }
        return 0;
}

/* The next subnet of the pool's size behind what is used. */
static bool next_subnet(const struct subnet *pool, struct collision *c)
{
        const struct subnet *used = c->with.bits < c->wanted.bits ? &c->with : &c->wanted;
        uint64_t at = subnet_index(pool, &used->ip);

        /* What is larger than the pool has all of it. */
        if (used->bits <= pool->bits)
                return false;
        at += subnet_size(used);
        if (at >= subnet_size(pool))
                return false;
        c->wanted = (struct subnet){ .ip = subnet_address(pool, at), .bits = POOL_BITS };
        return true;
}

static int search(const struct network_place *p, struct netlink *n, const struct subnet *pool, struct collision *c,
                  struct error *err)
{
        int r;

        do
                r = look(p, n, c, err);
        while (r > 0 && next_subnet(pool, c));
        return r;
}

int network_pick_subnet(const struct network_place *p, bool is_default, struct subnet *ret, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        int r = netlink_open(NETLINK_ROUTE, &n, err);

        for (size_t i = 0; r == 0 && i < sizeof pools / sizeof pools[0]; i++) {
                struct subnet pool, first;
                struct collision c = {};

                if (subnet_parse(pools[i].pool, &pool, err) < 0 || subnet_parse(pools[i].first, &first, err) < 0)
                        return -err->code;
                /* Others begin behind it, so that it stays free for the default network. */
                c.wanted = is_default ? first
                                      : (struct subnet){ .ip = i == 0 ? subnet_address(&pool, 1U << 16) : pool.ip,
                                                         .bits = POOL_BITS };
                r = search(p, &n, &pool, &c, err);
                if (r < 0)
                        return r;
                if (r == 0) {
                        *ret = c.wanted;
                        return 0;
                }
                r = 0;
        }
        return r < 0 ? r
                     : error_set(err, EBUSY, "all subnets that holt would choose are in use; choose one by --subnet");
}

/* A unique local one (RFC 4193): 56 random bits make it nobody else's. */
int network_pick_subnet6(struct subnet *ret, struct error *err)
{
        struct subnet s = { .ip = { .family = AF_INET6, .bytes = { 0xfd } }, .bits = 64 };

        if (getrandom(s.ip.bytes + 1, 7, 0) != 7)
                return error_errno(err, errno, "get random bytes");
        *ret = s;
        return 0;
}
