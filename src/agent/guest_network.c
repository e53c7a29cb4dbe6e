/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/guest.h"
#include "base/own.h"
#include "net/link.h"
#include "sys/fd.h"

enum { LOOPBACK = 1 };

static void add_addresses(struct netlink *n, struct buf *b, unsigned index, const struct guest_interface *i)
{
        for (size_t j = 0; j < i->n_addresses; j++)
                link_add_address(n, b, index, &i->addresses[j].ip, i->addresses[j].bits, false);
        for (size_t j = 0; j < i->n_routes; j++) {
                const struct subnet to = { .ip = i->routes[j].ip, .bits = i->routes[j].bits };

                link_add_route(n, b, index, &to, NULL, 0, false);
        }
        for (size_t j = 0; j < i->n_gateways; j++)
                link_add_route(n, b, index, NULL, &i->gateways[j], 0, false);
}

/* number: as the kernel counts those that it found. */
static int add_interface(struct netlink *n, struct buf *b, size_t number, const struct guest_interface *i,
                         struct error *err)
{
        const struct link_setup setup = { .name = i->name, .mac = i->has_mac ? i->mac : NULL, .mtu = i->mtu };
        char name[32];
        int index;

        snprintf(name, sizeof name, "eth%zu", number);
        index = link_index(n, name, err);
        if (index < 0)
                return index;
        link_add_setup(n, b, (unsigned)index, &setup, false);
        link_add_up(n, b, (unsigned)index, false);
        add_addresses(n, b, (unsigned)index, i);
        return 0;
}

int guest_clear_network(struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        own_buf struct buf b = {};
        int r = netlink_open(NETLINK_ROUTE, &n, err), index;

        if (r < 0)
                return r;
        index = link_index(&n, "eth0", err);
        if (index == -ENODEV)
                return 0;
        r = index < 0 ? index : link_clear_addresses(&n, (unsigned)index, err);
        if (r < 0)
                return r;
        link_add_down(&n, &b, (unsigned)index, true);
        return netlink_talk(&n, &b, err);
}

/* As in a container: ports below 1024 and ping are for all users. */
static void open_to_all_users(void)
{
        fd_write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
        fd_write_file_at(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

int guest_open_network(struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        own_buf struct buf b = {};
        int r = netlink_open(NETLINK_ROUTE, &n, err);

        if (r < 0)
                return r;
        open_to_all_users();
        link_add_up(&n, &b, LOOPBACK, true);
        r = netlink_talk(&n, &b, err);
        return r < 0 ? error_wrap(err, "bring the loopback up") : 0;
}

int guest_set_network(const struct guest_config *c, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        own_buf struct buf b = {};
        int r;

        if (!c->n_interfaces)
                return 0;
        r = netlink_open(NETLINK_ROUTE, &n, err);
        for (size_t i = 0; i < c->n_interfaces && r == 0; i++)
                r = add_interface(&n, &b, i, &c->interfaces[i], err);
        if (r < 0)
                return r;
        /* It is up: the last message is the one that is answered. */
        link_add_up(&n, &b, LOOPBACK, true);
        r = netlink_talk(&n, &b, err);
        return r < 0 ? error_wrap(err, "set up the network") : 0;
}
