/* SPDX-License-Identifier: Apache-2.0 */
#include "net/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"
#include "net/lease.h"
#include "net/tap.h"
#include "sys/fd.h"

enum { LOOPBACK = 1, DNS_BITS = 32 };

/* Not made of the instance's id: the one before may still be on its way out when it starts again. */
static int make_names(struct arena *a, unsigned device, struct endpoint_network *e, struct error *err)
{
        char name[IFNAMSIZ];
        uint32_t random;

        if (getrandom(&random, sizeof random, 0) != sizeof random)
                return error_errno(err, errno, "get random bytes");
        snprintf(name, sizeof name, "veth%08x", random);
        e->interface = arena_strdup(a, name);
        snprintf(name, sizeof name, "eth%u", device);
        e->device = arena_strdup(a, name);
        return e->interface && e->device ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* The IPv6 address with the same number as the other one, if nobody chose it by hand. */
static int lease6(const struct network_place *p, const struct network *n, const char *id, const struct ip *wanted,
                  struct endpoint_network *e, struct error *err)
{
        struct network_range twin = n->v6;
        struct ip ip;

        if (wanted->family)
                return lease_take(p, n, &n->v6, id, wanted, &e->ip6, err);
        if (!twin.range.ip.family) {
                ip = subnet_address(&n->v6.subnet, subnet_index(&n->v4.subnet, &e->ip4));
                if (subnet_contains(&n->v6.subnet, &ip) && lease_take(p, n, &n->v6, id, &ip, &e->ip6, err) == 0)
                        return 0;
        }
        return lease_take(p, n, &n->v6, id, &(struct ip){}, &e->ip6, err);
}

int attach_lease(const struct network_place *p, const struct network *n, const char *id, const struct attach_wish *w,
                 struct arena *a, struct endpoint_network *ret, struct error *err)
{
        struct endpoint_network e = {
                .internal = n->internal, .aliases = w->aliases, .bits4 = n->v4.subnet.bits, .bits6 = n->v6.subnet.bits
        };
        int r = make_names(a, w->device, &e, err);

        if (r < 0)
                return r;
        e.network = arena_strdup(a, n->name);
        e.bridge = arena_strdup(a, n->interface);
        if (!e.network || !e.bridge)
                return error_set(err, ENOMEM, "out of memory");
        if (w->ip6.family && !n->ipv6)
                return error_set(err, EINVAL, "the network %s has no IPv6", n->name);
        r = lease_take(p, n, &n->v4, id, &w->ip4, &e.ip4, err);
        if (r == 0 && n->ipv6)
                r = lease6(p, n, id, &w->ip6, &e, err);
        if (r < 0) {
                if (e.ip4.family)
                        lease_give(p, n->name, &e.ip4, id);
                return r;
        }
        if (w->mac)
                memcpy(e.mac, w->mac, MAC_SIZE);
        else
                mac_of_address(&e.ip4, e.mac);
        *ret = e;
        return 0;
}

/* ---- inside ---- */

static void add_default_routes(struct netlink *n, struct buf *b, unsigned index, const struct network *net,
                               const struct endpoint_network *e)
{
        link_add_route(n, b, index, NULL, &net->v4.gateway, 0, false);
        if (e->ip6.family)
                link_add_route(n, b, index, NULL, &net->v6.gateway, 0, false);
}

static int set_up_inside(struct netlink *n, const struct network *net, const struct endpoint_network *e,
                         bool has_default, struct error *err)
{
        const struct subnet dns = { .ip = { .family = AF_INET, .bytes = { 169, 254, 53, 53 } }, .bits = DNS_BITS };
        int index = link_index(n, e->device, err);
        own_buf struct buf b = {};
        int r;

        if (index < 0)
                return index;
        link_add_up(n, &b, (unsigned)index, false);
        link_add_address(n, &b, (unsigned)index, &e->ip4, e->bits4, false);
        if (e->ip6.family)
                link_add_address(n, &b, (unsigned)index, &e->ip6, e->bits6, false);
        link_add_route(n, &b, (unsigned)index, &dns, NULL, 0, false);
        if (has_default)
                add_default_routes(n, &b, (unsigned)index, net, e);
        link_add_up(n, &b, LOOPBACK, true);
        r = netlink_talk(n, &b, err);
        return r < 0 ? error_wrap(err, "set up %s", e->device) : 0;
}

int attach(struct netlink *host, struct netlink *inside, int netns, unsigned index, const struct network *n,
           const struct endpoint_network *e, bool has_default, struct error *err)
{
        const struct veth v = { .name = e->interface,
                                .master = index,
                                .mtu = n->mtu,
                                .netns = netns,
                                .peer = e->device,
                                .peer_mac = e->mac };
        int r = link_make_veth(host, &v, err);

        if (r == 0 && n->isolated)
                r = link_set_port(host, e->interface, IFLA_BRPORT_ISOLATED, err);
        return r == 0 ? set_up_inside(inside, n, e, has_default, err) : r;
}

int attach_machine(struct netlink *host, unsigned index, const struct network *n, const struct endpoint_network *e,
                   struct error *err)
{
        own_fd int tap = tap_make(host, e->interface, index, n->mtu, err);
        int r = tap < 0 ? tap : 0;

        if (r == 0 && n->isolated)
                r = link_set_port(host, e->interface, IFLA_BRPORT_ISOLATED, err);
        return r < 0 ? r : take_fd(&tap);
}

int attach_reflect(struct netlink *host, const struct endpoint_network *e, struct error *err)
{
        char on[8];

        if (fd_read_file_at(AT_FDCWD, "/proc/sys/net/bridge/bridge-nf-call-iptables", on, sizeof on) < 0 ||
            strcmp(on, "1") != 0)
                return 0;
        return link_set_port(host, e->interface, IFLA_BRPORT_MODE, err);
}

int attach_default_routes(struct netlink *inside, const struct network *n, const struct endpoint_network *e,
                          struct error *err)
{
        int index = link_index(inside, e->device, err), r;
        own_buf struct buf b = {};

        if (index < 0)
                return index;
        add_default_routes(inside, &b, (unsigned)index, n, e);
        link_add_up(inside, &b, (unsigned)index, true);
        r = netlink_talk(inside, &b, err);
        return r < 0 ? error_wrap(err, "set up the routes of %s", e->device) : 0;
}
