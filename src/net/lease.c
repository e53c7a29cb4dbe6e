/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "net/endpoint.h"
#include "sys/fd.h"

/* The number of the address that was taken last; not a name that an address can have. */
#define LAST_FILE "last"

enum { ID_SIZE = 65 };

static int open_leases(const struct network_place *p, const char *network, bool make, struct error *err)
{
        own_mem char *path = NULL;
        int fd, r;

        if (asprintf(&path, "%s/networks/%s", p->run, network) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && make) {
                r = fd_mkdir_all(path, 0755);
                fd = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

/* Whether an instance of that id is at work. */
static bool lives(const struct network_place *p, const char *id)
{
        own_mem char *path = NULL;

        return asprintf(&path, "%s/instances/%s", p->run, id) < 0 || access(path, F_OK) == 0;
}

static bool read_owner(int dir, const char *address, char id[ID_SIZE])
{
        ssize_t len = readlinkat(dir, address, id, ID_SIZE - 1);

        if (len < 0)
                return false;
        id[len] = '\0';
        return true;
}

/* One at a time: who finds an address of nobody's may find it taken by now. */
static void drop_dead(const struct network_place *p, int dir, const char *address)
{
        char owner[ID_SIZE];

        if (flock(dir, LOCK_EX) < 0)
                return;
        if (read_owner(dir, address, owner) && !lives(p, owner))
                unlinkat(dir, address, 0);
        flock(dir, LOCK_UN);
}

/* 1: it is ours now; 0: another one's. */
static int take(const struct network_place *p, int dir, const struct ip *ip, const char *id, struct error *err)
{
        char address[IP_TEXT_MAX], owner[ID_SIZE];

        ip_format(ip, address);
        for (int tries = 0; tries < 2; tries++) {
                if (symlinkat(id, dir, address) == 0)
                        return 1;
                if (errno != EEXIST)
                        return error_errno(err, errno, "take the address %s", address);
                if (!read_owner(dir, address, owner))
                        continue;
                if (strcmp(owner, id) == 0)
                        return 1;
                if (lives(p, owner))
                        return 0;
                drop_dead(p, dir, address);
        }
        return 0;
}

static int taken(const struct network_place *p, const char *address, const char *owner, struct error *err)
{
        own_endpoint struct endpoint e = {};

        if (endpoint_read(p, owner, &e, NULL) == 0 && *e.name)
                return error_set(err, EADDRINUSE, "the address %s is taken by the instance %s", address, e.name);
        return error_set(err, EADDRINUSE, "the address %s is taken by the instance %.12s", address, owner);
}

int lease_check(const struct network *n, const struct network_range *range, const struct ip *wanted, struct error *err)
{
        char address[IP_TEXT_MAX], subnet[SUBNET_TEXT_MAX];
        uint64_t index = subnet_index(&range->subnet, wanted);

        ip_format(wanted, address);
        if (!subnet_contains(&range->subnet, wanted))
                return error_set(err, EINVAL, "the address %s is not within the subnet %s of the network %s", address,
                                 subnet_format(&range->subnet, subnet), n->name);
        if (index == 0 || ip_equal(wanted, &range->gateway) ||
            (wanted->family == AF_INET && index == subnet_size(&range->subnet) - 1))
                return error_set(err, EINVAL, "the address %s is the network's own", address);
        return 0;
}

static int take_wanted(const struct network_place *p, int dir, const struct network *n,
                       const struct network_range *range, const char *id, const struct ip *wanted, struct error *err)
{
        char address[IP_TEXT_MAX], owner[ID_SIZE] = "";
        int r = lease_check(n, range, wanted, err);

        if (r < 0)
                return r;
        r = take(p, dir, wanted, id, err);
        if (r != 0)
                return r < 0 ? r : 0;
        ip_format(wanted, address);
        read_owner(dir, address, owner);
        return taken(p, address, owner, err);
}

static uint64_t read_last(int dir)
{
        own_fd int fd = openat(dir, LAST_FILE, O_RDONLY | O_CLOEXEC);
        uint64_t last = 0;

        return fd >= 0 && pread(fd, &last, sizeof last, 0) == sizeof last ? last : 0;
}

/* It only says where to look first: one that is lost or that another one overwrites does no harm. */
static void write_last(int dir, uint64_t last)
{
        own_fd int fd = openat(dir, LAST_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        if (fd >= 0 && pwrite(fd, &last, sizeof last, 0) < 0)
                return;
}

static int take_next(const struct network_place *p, int dir, const struct network *n, const struct network_range *range,
                     const char *id, struct ip *ret, struct error *err)
{
        const struct subnet *from = range->range.ip.family ? &range->range : &range->subnet;
        uint64_t size = subnet_size(from), at = read_last(dir);
        char text[SUBNET_TEXT_MAX];

        for (uint64_t tries = 0; tries < size; tries++) {
                struct ip ip;
                uint64_t index;
                int r;

                at = (at + 1) % size;
                ip = subnet_address(from, at);
                index = subnet_index(&range->subnet, &ip);
                if (index == 0 || index == subnet_size(&range->subnet) - 1 || ip_equal(&ip, &range->gateway))
                        continue;
                r = take(p, dir, &ip, id, err);
                if (r < 0)
                        return r;
                if (r > 0) {
                        write_last(dir, at);
                        *ret = ip;
                        return 0;
                }
        }
        return error_set(err, EADDRNOTAVAIL, "all addresses in %s of the network %s are taken",
                         subnet_format(from, text), n->name);
}

int lease_take(const struct network_place *p, const struct network *n, const struct network_range *range,
               const char *id, const struct ip *wanted, struct ip *ret, struct error *err)
{
        own_fd int dir = open_leases(p, n->name, true, err);
        int r;

        if (dir < 0)
                return dir;
        if (!wanted->family)
                return take_next(p, dir, n, range, id, ret, err);
        r = take_wanted(p, dir, n, range, id, wanted, err);
        if (r == 0)
                *ret = *wanted;
        return r;
}

void lease_give(const struct network_place *p, const char *network, const struct ip *ip, const char *id)
{
        own_fd int dir = open_leases(p, network, false, NULL);
        char address[IP_TEXT_MAX], owner[ID_SIZE];

        if (dir >= 0 && read_owner(dir, ip_format(ip, address), owner) && strcmp(owner, id) == 0)
                unlinkat(dir, address, 0);
}

void lease_forget_network(const struct network_place *p, const char *network)
{
        own_mem char *path = NULL;
        own_fd int dir = -1;

        if (asprintf(&path, "%s/networks", p->run) < 0)
                return;
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0)
                fd_remove_tree_at(dir, network);
}
