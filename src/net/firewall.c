/* SPDX-License-Identifier: Apache-2.0 */

#include "net/firewall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "net/conntrack.h"
#include "net/link.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/program.h"

/* ---- when it was seen whole ---- */

/* The networks may stand there without a trace in RUN: another RUN made them. */
static int open_seen(const struct network_place *p, struct error *err)
{
        own_mem char *directory = NULL, *path = NULL;
        int fd;

        if (asprintf(&directory, "%s/networks", p->run) < 0 || asprintf(&path, "%s/firewall", directory) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 && errno == ENOENT && fd_mkdir_all(directory, 0755) == 0)
                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

/* The generation counts from each boot and each network namespace anew, and RUN is as old as the boot. */
struct seen {
        uint32_t generation, version;
        uint64_t netns; /* its inode */
};

static bool was_seen(int fd, const struct seen *now)
{
        struct seen then = {};

        return pread(fd, &then, sizeof then, 0) == sizeof then && then.generation == now->generation &&
               then.version == now->version && then.netns == now->netns;
}

/* ---- filling it ---- */

static void add_network(struct firewall_batch *b, const struct network *n)
{
        firewall_add_pair(b, "same", n->interface, n->interface);
        firewall_add_subnet(b, &n->v4.subnet, n->interface);
        if (n->v6.subnet.ip.family)
                firewall_add_subnet(b, &n->v6.subnet, n->interface);
        if (n->internal)
                firewall_add_interface(b, "internal", n->interface);
        if (n->no_masquerade)
                firewall_add_interface(b, "routed", n->interface);
}

static void add_ports(struct firewall_batch *b, const struct endpoint *e)
{
        const struct endpoint_network *to = endpoint_published(e);

        for (size_t i = 0; to && i < e->n_ports; i++) {
                firewall_add_port(b, &e->ports[i], &to->ip4);
                firewall_add_port(b, &e->ports[i], &to->ip6);
        }
}

static int restore_network(void *userdata, struct network *n)
{
        add_network(userdata, n);
        return 0;
}

static int restore_endpoint(void *userdata, struct endpoint *e)
{
        add_ports(userdata, e);
        return 0;
}

static int restore(const struct network_place *p, struct firewall_batch *b, struct error *err)
{
        int r = network_each(p, restore_network, b, err);

        if (r == 0)
                r = endpoint_each(p, restore_endpoint, b, err);
        return r == 0 ? firewall_batch_commit(b, err) : r;
}

/* ---- the look at it ---- */

struct question {
        struct firewall_batch *b;
        struct error *err;
        int answer;
};

static int ask_network(void *userdata, struct network *n)
{
        struct question *q = userdata;

        if (if_nametoindex(n->interface))
                q->answer = firewall_has_pair(q->b, "same", n->interface, n->interface, q->err);
        return q->answer <= 0;
}

/* 1; 0: another RUN has made the rules after a flush, and put its own in. */
static int has_networks(const struct network_place *p, struct firewall_batch *b, struct error *err)
{
        struct question q = { .b = b, .err = err, .answer = 1 };
        int r = network_each(p, ask_network, &q, err);

        return r < 0 ? r : q.answer;
}

static int trust_network(void *userdata, struct network *n)
{
        (void)userdata;
        if (if_nametoindex(n->interface))
                firewall_firewalld_trust(n->interface);
        return 0;
}

static int look(const struct network_place *p, int seen_fd, struct firewall_batch *b, struct seen *now,
                struct error *err)
{
        int r;

        /* Two that look at once would both make it. */
        if (flock(seen_fd, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the firewall");
        r = firewall_has(b, NFPROTO_INET, "holt", FIREWALL_VERSION_CHAIN, err);
        if (r == 0)
                r = firewall_table_load(err);
        else if (r > 0)
                r = has_networks(p, b, err);
        if (r == 0)
                r = restore(p, b, err);
        if (r >= 0)
                r = firewall_docker_ensure(b, err);
        if (r >= 0 && firewall_firewalld_runs())
                r = network_each(p, trust_network, NULL, err);
        if (r >= 0)
                r = firewall_generation(b, &now->generation, err);
        if (r >= 0 && pwrite(seen_fd, now, sizeof *now, 0) < 0)
                r = error_errno(err, errno, "write down the state of the firewall");
        return r < 0 ? r : 0;
}

static uint64_t own_netns(void)
{
        char link[64] = "";
        ssize_t len = readlink("/proc/self/ns/net", link, sizeof link - 1);

        return len > 5 ? strtoull(link + 5, NULL, 10) : 0;
}

int firewall_ensure(const struct network_place *p, struct error *err)
{
        own_firewall_batch struct firewall_batch b = {};
        own_fd int fd = open_seen(p, err);
        struct seen now = { .version = FIREWALL_VERSION, .netns = own_netns() };
        int r = fd < 0 ? fd : firewall_batch_open(&b, false, err);

        if (r == 0)
                r = firewall_generation(&b, &now.generation, err);
        if (r == 0 && !was_seen(fd, &now))
                r = look(p, fd, &b, &now, err);
        return r < 0 ? error_wrap(err, "firewall") : 0;
}

/* ---- changes ---- */

/* A change of ours must not have the next start look at everything. */
static int commit(const struct network_place *p, struct firewall_batch *b, struct error *err)
{
        own_fd int fd = open_seen(p, err);
        struct seen now = { .version = FIREWALL_VERSION, .netns = own_netns() };
        bool whole;
        int r = fd < 0 ? fd : firewall_generation(b, &now.generation, err);

        if (r < 0)
                return r;
        whole = was_seen(fd, &now);
        r = firewall_batch_commit(b, err);
        now.generation++;
        if (r == 0 && whole && pwrite(fd, &now, sizeof now, 0) < 0)
                r = error_errno(err, errno, "write down the state of the firewall");
        return r;
}

int firewall_add_network(const struct network_place *p, const struct network *n, struct error *err)
{
        own_firewall_batch struct firewall_batch b = {};
        int r = firewall_batch_open(&b, false, err);

        if (r < 0)
                return r;
        add_network(&b, n);
        r = commit(p, &b, err);
        firewall_firewalld_trust(n->interface);
        return r < 0 ? error_wrap(err, "firewall") : 0;
}

/* Each in a transaction of its own: one that is not there must not keep the others. */
static void remove_one(const struct network_place *p, void (*add)(struct firewall_batch *b, const void *what),
                       const void *what)
{
        own_firewall_batch struct firewall_batch b = {};
        struct error ignored;

        if (firewall_batch_open(&b, true, &ignored) == 0) {
                add(&b, what);
                commit(p, &b, &ignored);
        }
}

static void add_same(struct firewall_batch *b, const void *what)
{
        const struct network *n = what;

        firewall_add_pair(b, "same", n->interface, n->interface);
}

static void add_near4(struct firewall_batch *b, const void *what)
{
        const struct network *n = what;

        firewall_add_subnet(b, &n->v4.subnet, n->interface);
}

static void add_near6(struct firewall_batch *b, const void *what)
{
        const struct network *n = what;

        if (n->v6.subnet.ip.family)
                firewall_add_subnet(b, &n->v6.subnet, n->interface);
}

static void add_internal(struct firewall_batch *b, const void *what)
{
        firewall_add_interface(b, "internal", ((const struct network *)what)->interface);
}

static void add_routed(struct firewall_batch *b, const void *what)
{
        firewall_add_interface(b, "routed", ((const struct network *)what)->interface);
}

void firewall_remove_network(const struct network_place *p, const struct network *n)
{
        void (*const parts[])(struct firewall_batch * b, const void *what) = { add_same, add_near4, add_near6,
                                                                               add_internal, add_routed };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                remove_one(p, parts[i], n);
        firewall_firewalld_forget(n->interface);
}

int firewall_publish(const struct network_place *p, const struct endpoint *e, struct error *err)
{
        own_firewall_batch struct firewall_batch b = {};
        int r = firewall_batch_open(&b, false, err);

        if (r == 0) {
                add_ports(&b, e);
                r = commit(p, &b, err);
        }
        if (r == 0)
                conntrack_forget_udp(e);
        return r < 0 ? error_wrap(err, "publish ports") : 0;
}

struct one_port {
        const struct endpoint_port *port;
        const struct ip *to;
};

static void add_one_port(struct firewall_batch *b, const void *what)
{
        const struct one_port *one = what;

        firewall_add_port(b, one->port, one->to);
}

/*
 * After a removal, who closes the last descriptor of the socket waits for RCU in the kernel, 10 ms and more: a process
 * does that which has nothing else. We go on when it has let go of all that it got from us, locks among it.
 */
static void close_elsewhere(struct firewall_batch *b)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        int sock[2], fd = b->netlink.fd;
        char byte = 0;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
                return;
        pid = process_clone(&o);
        if (pid == 0) {
                const int keep[] = { sock[1], fd };

                for (int k = 0; k < 3; k++)
                        close(k);
                close(sock[0]);
                _exit(fd_close_others(0, keep, ARRAY_SIZE(keep)) < 0 || write(sock[1], &byte, 1) < 0 ||
                      read(sock[1], &byte, 1) != 0);
        }
        close(sock[1]);
        /* Without an answer it is closed here after all. */
        if (pid > 0 && read(sock[0], &byte, 1) == 1)
                netlink_close(&b->netlink);
        close(sock[0]);
}

static void unpublish_each(const struct network_place *p, const struct endpoint *e, const struct endpoint_network *to)
{
        for (size_t i = 0; i < e->n_ports; i++) {
                remove_one(p, add_one_port, &(struct one_port){ &e->ports[i], &to->ip4 });
                remove_one(p, add_one_port, &(struct one_port){ &e->ports[i], &to->ip6 });
        }
}

void firewall_unpublish(const struct network_place *p, const struct endpoint *e)
{
        const struct endpoint_network *to = endpoint_published(e);
        own_firewall_batch struct firewall_batch b = {};
        struct error ignored;

        if (!to || !e->n_ports || firewall_batch_open(&b, true, &ignored) < 0)
                return;
        add_ports(&b, e);
        if (commit(p, &b, &ignored) == 0)
                close_elsewhere(&b);
        else
                unpublish_each(p, e, to);
        conntrack_forget_udp(e);
}

void firewall_remove(const struct network_place *p)
{
        static const char *const argv[] = { "nft", "delete", "table", "inet", "holt", NULL };
        struct error ignored;

        program_run(argv, "", &ignored);
        firewall_docker_remove();
        (void)p;
}
