/* SPDX-License-Identifier: Apache-2.0 */
#include "net/network_up.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "net/dns_start.h"
#include "net/firewall.h"
#include "net/lease.h"
#include "sys/fd.h"

enum { PATH_SIZE = 128, MAX_CHOICES = 8, PAUSE_STEP_NS = 200 * 1000 };

/* ---- sysctls ---- */

static int set_sysctl(const char *path, const char *value, struct error *err)
{
        char now[32];
        int r;

        if (fd_read_file_at(AT_FDCWD, path, now, sizeof now) >= 0 && strcmp(now, value) == 0)
                return 0;
        r = fd_write_file_at(AT_FDCWD, path, value);
        return r < 0 ? error_errno(err, -r, "set %s", path) : 0;
}

/*
 * A host that forwards IPv6 takes no more routes from routers, unless an interface says 2 ("even then"): one that has
 * its address from them would lose its network.
 */
static int keep_router_advertisements(struct error *err)
{
        own_dir DIR *dir = opendir("/proc/sys/net/ipv6/conf");
        struct dirent *e;
        int r = 0;

        while (dir && r == 0 && (e = readdir(dir))) {
                char path[PATH_SIZE + sizeof e->d_name], now[32];

                if (*e->d_name == '.' || strcmp(e->d_name, "all") == 0)
                        continue;
                snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/accept_ra", e->d_name);
                if (fd_read_file_at(AT_FDCWD, path, now, sizeof now) >= 0 && strcmp(now, "1") == 0)
                        r = set_sysctl(path, "2", err);
        }
        return r;
}

static bool forwards6(void)
{
        char now[32];

        return fd_read_file_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", now, sizeof now) < 0 ||
               strcmp(now, "1") == 0;
}

static int switch_forwarding_on(const struct network *n, struct error *err)
{
        int r;

        if (n->internal)
                return 0;
        r = set_sysctl("/proc/sys/net/ipv4/ip_forward", "1", err);
        if (r == 0 && n->ipv6 && !forwards6()) {
                r = keep_router_advertisements(err);
                if (r == 0)
                        r = set_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1", err);
        }
        return r;
}

int network_route_loopback(const struct network *n, struct error *err)
{
        char path[PATH_SIZE];

        snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/route_localnet", n->interface);
        return set_sysctl(path, "1", err);
}

/* ---- whose it is ---- */

/*
 * Networks of another ROOT may be on this host, and have an interface of the same name: ours has a hardware address
 * that is made of its id.
 */
static void mac_of_network(const struct network *n, uint8_t ret[MAC_SIZE])
{
        ret[0] = 0x02;
        for (size_t i = 1; i < MAC_SIZE; i++) {
                const char digits[] = { n->id[2 * i], n->id[2 * i + 1], '\0' };

                ret[i] = (uint8_t)strtoul(digits, NULL, 16);
        }
}

static bool is_ours(const struct network *n, const struct netlink *host)
{
        uint8_t mac[MAC_SIZE];

        mac_of_network(n, mac);
        return link_has_mac(host, n->interface, mac);
}

static int not_ours(const struct network *n, struct error *err)
{
        return error_set(err, EBUSY,
                         "network %s: its interface %s is another one's, maybe of another --root; `holt network rm %s` "
                         "and make it anew",
                         n->name, n->interface, n->name);
}

static bool any_is_up(void)
{
        struct if_nameindex *all = if_nameindex();
        bool found = false;

        for (struct if_nameindex *i = all; i && i->if_name && !found; i++)
                found = strncmp(i->if_name, NETWORK_INTERFACE_PREFIX, strlen(NETWORK_INTERFACE_PREFIX)) == 0;
        if (all)
                if_freenameindex(all);
        return found;
}

/* ---- up ---- */

/* A bridge that was begun and not completed has no address; adding what is there changes nothing. */
static int make_bridge(const struct network *n, struct netlink *host, struct error *err)
{
        own_buf struct buf b = {};
        uint8_t mac[MAC_SIZE];
        int index, r;

        mac_of_network(n, mac);
        r = link_make_bridge(host, n->interface, mac, n->mtu, err);
        if (r == -EEXIST && !is_ours(n, host))
                return not_ours(n, err);
        if (r < 0 && r != -EEXIST)
                return r;
        index = link_index(host, n->interface, err);
        if (index < 0)
                return index;
        if (n->ipv6)
                link_add_address(host, &b, (unsigned)index, &n->v6.gateway, n->v6.subnet.bits, false);
        link_add_address(host, &b, (unsigned)index, &n->v4.gateway, n->v4.subnet.bits, true);
        r = netlink_talk(host, &b, err);
        return r < 0 ? error_wrap(err, "give %s its addresses", n->interface) : index;
}

static int open_lock(const struct network_place *p, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;
        int r;

        if (asprintf(&path, "%s/networks", p->run) < 0)
                return error_set(err, ENOMEM, "out of memory");
        r = fd_mkdir_all(path, 0755);
        if (r == 0)
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r < 0 || fd < 0 || flock(fd, LOCK_EX) < 0)
                return error_errno(err, r < 0 ? -r : errno, "lock %s", path);
        return take_fd(&fd);
}

/* Its index; -EADDRINUSE: another interface has addresses of the network, *ret_with. */
static int make_alone(const struct network_place *p, const struct network *n, struct netlink *host,
                      struct subnet *ret_with, struct error *err)
{
        int index = is_ours(n, host) ? link_index(host, n->interface, err) : 0;
        int taken = index < 0 ? index : network_is_taken(n, host, (unsigned)index, ret_with, err), r;
        struct error ignored;

        if (taken != 0)
                return taken < 0 ? taken : -EADDRINUSE;
        /* The rules are there before what they are for. */
        r = firewall_add_network(p, n, err);
        index = r < 0 ? r : make_bridge(n, host, err);
        taken = index < 0 ? 0 : network_is_taken(n, host, (unsigned)index, ret_with, err);
        if (taken == 0)
                return index;
        link_remove(host, n->interface, &ignored);
        firewall_remove_network(p, n);
        return taken < 0 ? taken : -EADDRINUSE;
}

/*
 * Networks of another ROOT may have come since the subnet was chosen, or come at this moment. Of two that do, one at least
 * sees the other's address behind its own, and takes its own back; a pause of some length keeps them from meeting again.
 */
static int make_somewhere(const struct network_place *p, struct network *n, struct netlink *host, struct error *err)
{
        char a[SUBNET_TEXT_MAX], b[SUBNET_TEXT_MAX];
        struct subnet with = {};
        int r;

        for (unsigned tries = 1; (r = make_alone(p, n, host, &with, err)) == -EADDRINUSE; tries++) {
                uint8_t pause = 0;

                if (!n->v4.is_picked || with.ip.family != AF_INET || tries == MAX_CHOICES)
                        return error_set(err, EBUSY,
                                         "its subnet %s overlaps with %s of another interface: `holt network rm %s` "
                                         "and make it anew with another --subnet",
                                         subnet_format(with.ip.family == AF_INET ? &n->v4.subnet : &n->v6.subnet, a),
                                         subnet_format(&with, b), n->name);
                if (getrandom(&pause, sizeof pause, 0) > 0 && tries > 1)
                        nanosleep(&(struct timespec){ .tv_nsec = (long)pause * PAUSE_STEP_NS }, NULL);
                r = network_pick_anew(p, n, err);
                if (r < 0)
                        return r;
        }
        return r;
}

/* As somebody else may have chosen it anew before we had the lock. */
static int read_again(const struct network_place *p, struct network *n, struct error *err)
{
        own_network struct network now = {};
        int r = network_load(p, n->name, &now, err);

        if (r == 0) {
                n->v4 = now.v4;
                n->v6 = now.v6;
        }
        return r;
}

static int bring_up(const struct network_place *p, struct network *n, struct netlink *host, struct error *err)
{
        own_fd int lock = open_lock(p, err);
        int index, r;

        if (lock < 0)
                return lock;
        r = read_again(p, n, err);
        if (r == 0)
                r = switch_forwarding_on(n, err);
        if (r == 0)
                r = firewall_ensure(p, err);
        index = r < 0 ? r : make_somewhere(p, n, host, err);
        return index < 0 ? error_wrap(err, "set up the network %s", n->name) : index;
}

int network_up(const struct network_place *p, struct network *n, struct netlink *host, struct error *err)
{
        int index = link_index(host, n->interface, err), r;

        if (index == -ENODEV)
                return bring_up(p, n, host, err);
        if (index > 0 && !is_ours(n, host))
                return not_ours(n, err);
        r = index < 0 ? index : firewall_ensure(p, err);
        return r < 0 ? r : index;
}

/* ---- down ---- */

int network_down(const struct network_place *p, const struct network *n, struct error *err)
{
        own_netlink struct netlink host = { .fd = -1 };
        own_fd int lock = open_lock(p, err);
        int r = lock < 0 ? lock : netlink_open(NETLINK_ROUTE, &host, err);

        if (r < 0)
                return r;
        if (is_ours(n, &host)) {
                r = link_remove(&host, n->interface, err);
                if (r == 0)
                        r = dns_forget(n, &host, err);
                if (r < 0)
                        return r;
                firewall_remove_network(p, n);
        }
        lease_forget_network(p, n->name);
        if (!any_is_up())
                firewall_remove(p);
        return 0;
}
