/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/backend.h"
#include "instance/instance_network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/event.h"
#include "instance/network_files.h"
#include "instance/network_flags.h"
#include "instance/network_guest.h"
#include "instance/network_open.h"
#include "net/attach.h"
#include "net/dns_start.h"
#include "net/endpoint.h"
#include "net/firewall.h"
#include "net/lease.h"
#include "net/netns.h"
#include "net/network_up.h"
#include "net/port.h"
#include "sys/user_namespace.h"

static const char *const no_strings[] = { NULL };

void instance_network_finish(struct instance_network *n)
{
        if (n->netns >= 0)
                close(n->netns);
        if (n->tap >= 0)
                close(n->tap);
        if (n->ports >= 0)
                close(n->ports);
        buf_finish(&n->hosts);
        buf_finish(&n->resolv);
        buf_finish(&n->guest);
        *n = (struct instance_network)INSTANCE_NETWORK_NONE;
}

struct network_place network_place_of(const struct engine *e)
{
        return (struct network_place){ e->root, e->run };
}

/* An ordinary user, who is root in a namespace of his own by now, cannot change the host's network. */
bool network_is_ours(void)
{
        return geteuid() == 0 && !user_namespace_is_nested();
}

/* ---- on networks of ours ---- */

struct opening {
        struct engine *e;
        struct instance *i;
        struct network_place place;
        const struct network_flags *flags;
        struct network *networks; /* one for each flag */
        unsigned *bridges;        /* their interfaces */
        struct endpoint endpoint;
        struct netlink host, inside;
};

static void opening_finish(struct opening *o)
{
        for (size_t i = 0; o->networks && i < o->flags->n; i++)
                network_finish(&o->networks[i]);
        free(o->networks);
        free(o->bridges);
        endpoint_finish(&o->endpoint);
        netlink_close(&o->host);
        netlink_close(&o->inside);
}

static int take_addresses(struct opening *o, size_t i, struct error *err)
{
        const struct network_flag *f = &o->flags->v[i];
        const struct attach_wish wish = { .ip4 = f->ip4,
                                          .ip6 = f->ip6,
                                          .mac = f->has_mac ? f->mac : NULL,
                                          .aliases = f->aliases,
                                          .device = (unsigned)i };
        struct endpoint *e = &o->endpoint;
        int r = network_find(&o->place, f->name, &o->networks[i], err);

        if (r == 0)
                r = network_up(&o->place, &o->networks[i], &o->host, err);
        if (r < 0)
                return r;
        o->bridges[i] = (unsigned)r;
        r = attach_lease(&o->place, &o->networks[i], o->i->id, &wish, &e->arena, &e->networks[i], err);
        if (r == 0)
                e->n_networks++;
        return r;
}

static int begin(struct opening *o, struct error *err)
{
        const struct instance_options *options = &o->i->options;
        size_t n = o->flags->n;
        int r = netlink_open(NETLINK_ROUTE, &o->host, err);

        if (r < 0)
                return r;
        o->networks = calloc(n, sizeof *o->networks);
        o->bridges = calloc(n, sizeof *o->bridges);
        o->endpoint.id = o->i->id;
        o->endpoint.name = o->i->name ? o->i->name : "";
        o->endpoint.dns = options->dns ? options->dns : no_strings;
        o->endpoint.networks = arena_alloc(&o->endpoint.arena, n, sizeof *o->endpoint.networks);
        if (!o->networks || !o->bridges || !o->endpoint.networks)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; r == 0 && i < n; i++)
                r = take_addresses(o, i, err);
        return r;
}

/* ---- ports ---- */

static const struct network *published_network(const struct opening *o)
{
        for (size_t i = 0; i < o->flags->n; i++)
                if (!o->networks[i].internal)
                        return &o->networks[i];
        return NULL;
}

int network_read_ports(const struct instance_options *o, struct port_wishes *ret, struct error *err)
{
        int r = 0;

        for (const char *const *p = o->publish; r == 0 && p && *p; p++) {
                r = port_wishes_add(ret, *p, err);
                if (r < 0)
                        error_wrap(err, "--publish");
        }
        for (const char *const *p = o->expose; r == 0 && o->publish_all && p && *p; p++) {
                r = port_wishes_add_exposed(ret, *p, err);
                if (r < 0)
                        error_wrap(err, "--expose");
        }
        return r;
}

/* Reachable over the host's own 127.0.0.1. */
static bool is_on_loopback(const struct port_wish *w)
{
        return !w->host.family || (w->host.family == AF_INET && (ip_is_any(&w->host) || ip_is_loopback(&w->host)));
}

/* Returns what holds them, or -1 when there are none; *err is set only on failure. */
static int hold_ports(struct opening *o, int *ret_ports, struct error *err)
{
        const struct network *n = published_network(o);
        own_port_wishes struct port_wishes w = {};
        bool on_loopback = false;
        int r = network_read_ports(&o->i->options, &w, err);

        if (r < 0 || !w.n)
                return r;
        if (!n) {
                o->e->warn("ports are not published: all networks of the instance are internal");
                return 0;
        }
        for (size_t i = 0; i < w.n; i++) {
                if (!w.v[i].host.family)
                        w.v[i].host = n->publish_on;
                on_loopback |= is_on_loopback(&w.v[i]);
        }
        if (on_loopback)
                r = network_route_loopback(n, err);
        if (r == 0)
                r = port_hold(&o->place, &w, &o->endpoint.arena, &o->endpoint.ports, err);
        if (r < 0)
                return r;
        *ret_ports = r;
        o->endpoint.n_ports = w.n;
        return 0;
}

/* ---- plugging in ---- */

static int plug_in(struct opening *o, int netns, struct error *err)
{
        bool has_default = false;
        int r = 0;

        for (size_t i = 0; r == 0 && i < o->flags->n; i++) {
                bool is_default = !has_default && !o->networks[i].internal;

                r = attach(&o->host, &o->inside, netns, o->bridges[i], &o->networks[i], &o->endpoint.networks[i],
                           is_default, err);
                has_default |= is_default;
        }
        return r;
}

static int publish(struct opening *o, struct error *err)
{
        int r = attach_reflect(&o->host, endpoint_published(&o->endpoint), err);

        return r == 0 ? firewall_publish(&o->place, &o->endpoint, err) : r;
}

/* An instance without names is better than none. */
static void start_names(struct opening *o)
{
        for (size_t i = 0; i < o->flags->n; i++) {
                struct error warning;

                if (dns_ensure(&o->place, &o->networks[i], &o->host, o->bridges[i], &warning) < 0)
                        o->e->warn(warning.text);
        }
}

/* It belongs to the instance's own user namespace, if it has one: else it would have no rights there. */
static int make_netns(struct opening *o, struct error *err)
{
        own_fd int netns = -1;
        int r;

        if (o->i->users.user_ns < 0)
                return netns_make(&o->inside, err);
        netns = netns_make_in(o->i->users.user_ns, err);
        r = netns < 0 ? netns : netns_netlink(netns, &o->inside, err);
        return r < 0 ? r : take_fd(&netns);
}

/* A machine's interface ends in the bridge; what is to be set up inside, it is told. */
static int plug_in_machine(struct opening *o, struct instance_network *ret, struct error *err)
{
        ret->tap = attach_machine(&o->host, o->bridges[0], &o->networks[0], &o->endpoint.networks[0], err);
        if (ret->tap < 0)
                return ret->tap;
        network_guest_write(&o->networks[0], &o->endpoint.networks[0], &ret->guest);
        return buf_failed(&ret->guest) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int plug_in_container(struct opening *o, struct instance_network *ret, struct error *err)
{
        ret->netns = make_netns(o, err);
        return ret->netns < 0 ? ret->netns : plug_in(o, ret->netns, err);
}

static int open_networks(struct opening *o, const char *hostname, struct instance_network *ret, struct error *err)
{
        int r = begin(o, err);

        if (r == 0)
                r = hold_ports(o, &ret->ports, err);
        if (r == 0)
                r = endpoint_write(&o->place, &o->endpoint, err);
        if (r == 0)
                r = o->i->backend->is_machine ? plug_in_machine(o, ret, err) : plug_in_container(o, ret, err);
        if (r == 0 && o->endpoint.n_ports)
                r = publish(o, err);
        if (r < 0)
                return r;
        start_names(o);
        r = network_hosts_write(&o->i->options, hostname, &o->endpoint, &o->networks[0].v4.gateway, &ret->hosts, err);
        return r == 0 ? network_resolv_write(&o->i->options, true, &ret->resolv, err) : r;
}

/* They may be another's. */
static void give_addresses(const struct network_place *p, const struct endpoint *e)
{
        for (size_t i = 0; i < e->n_networks; i++) {
                lease_give(p, e->networks[i].network, &e->networks[i].ip4, e->id);
                if (e->networks[i].ip6.family)
                        lease_give(p, e->networks[i].network, &e->networks[i].ip6, e->id);
        }
}

static void tell(const struct engine *e, const struct network *n, const char *id, const char *action)
{
        const char *const attributes[] = { "container", id, "type", "bridge", NULL };
        const struct event ev = {
                .type = "network", .action = action, .id = n->id, .name = n->name, .attributes = attributes
        };

        event_add(e->run, &ev);
}

static int open_bridges(struct engine *e, struct instance *i, const struct network_flags *flags, const char *hostname,
                        struct instance_network *ret, struct error *err)
{
        struct opening o = { .e = e,
                             .i = i,
                             .place = network_place_of(e),
                             .flags = flags,
                             .host = { .fd = -1 },
                             .inside = { .fd = -1 } };
        int r = open_networks(&o, hostname, ret, err);

        if (r < 0) {
                firewall_unpublish(&o.place, &o.endpoint);
                give_addresses(&o.place, &o.endpoint);
                endpoint_remove(&o.place, i->id);
        }
        for (size_t k = 0; r == 0 && k < flags->n; k++)
                tell(e, &o.networks[k], i->id, "connect");
        opening_finish(&o);
        return r;
}

/* ---- another instance's ---- */

int network_open_netns(const struct engine *e, const struct instance *i, struct error *err)
{
        int fd;

        if (instance_check_on_host(i, "joined", err) < 0)
                return -err->code;
        if (!instance_is_running(i) || !i->state.pid)
                return error_set(err, ESRCH, "the instance %s does not run", i->name);
        fd = i->backend->open_namespace(e->run, i->id, "net", err);
        return fd < 0 ? error_wrap(err, "the network of the instance %s", i->name) : fd;
}

/* Its files say what those of the other one say. */
static int write_shared_files(struct engine *e, const struct instance *other, struct instance_network *ret,
                              struct error *err)
{
        const struct ip loopback = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint shared = {};
        char short_id[13];
        int r = endpoint_read(&place, other->id, &shared, err);
        bool has_own = r == 0;

        if (r < 0 && r != -ENOENT)
                return r;
        if (has_own) {
                shared.shared = true;
                r = endpoint_write(&place, &shared, err);
                if (r < 0)
                        return r;
        }
        snprintf(short_id, sizeof short_id, "%.12s", other->id);
        r = network_hosts_write(&other->options, other->options.hostname ? other->options.hostname : short_id,
                                has_own ? &shared : NULL, &loopback, &ret->hosts, err);
        return r == 0 ? network_resolv_write(&other->options, has_own, &ret->resolv, err) : r;
}

static bool has_pasta(const struct instance *other)
{
        own_network_flags struct network_flags flags = {};

        return network_flags_read(&other->options, network_is_ours(), &flags, NULL) == 0 &&
               flags.mode == NETWORK_MODE_PASTA;
}

static int open_shared(struct engine *e, const char *name, struct instance_network *ret, struct error *err)
{
        own_instance struct instance *other = NULL;
        char short_id[13];
        int r = instance_find(e, name, &other, err);

        if (r == 0)
                r = ret->netns = network_open_netns(e, other, err);
        if (r < 0)
                return r;
        if (!has_pasta(other))
                return write_shared_files(e, other, ret, err);
        snprintf(short_id, sizeof short_id, "%.12s", other->id);
        return network_write_pasta_files(&other->options, other->options.hostname ? other->options.hostname : short_id,
                                         ret, err);
}

/* ---- all ---- */

static int open_none(const struct instance *i, const char *hostname, bool is_host, struct instance_network *ret,
                     struct error *err)
{
        const struct ip loopback = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
        int r = network_hosts_write(&i->options, hostname, NULL, &loopback, &ret->hosts, err);

        ret->is_host = is_host;
        return r == 0 ? network_resolv_write(&i->options, false, &ret->resolv, err) : r;
}

/* Who asked for no network and for no ports does with none. */
static int open_pasta(struct engine *e, struct instance *i, const char *hostname, struct instance_network *ret,
                      struct error *err)
{
        const struct instance_options *o = &i->options;
        char text[sizeof err->text + 128];
        int r = network_open_pasta(e, i, hostname, ret, err);

        if (r == 0 || (o->network && *o->network) || (o->publish && *o->publish) || o->publish_all)
                return r;
        snprintf(text, sizeof text, "%s; until then there is no network (--network none says that it is meant)",
                 err->text);
        e->warn(text);
        return open_none(i, hostname, false, ret, err);
}

int instance_network_open(struct engine *e, struct instance *i, const char *hostname, struct instance_network *ret,
                          struct error *err)
{
        own_instance_network struct instance_network n = INSTANCE_NETWORK_NONE;
        own_network_flags struct network_flags flags = {};
        int r = network_flags_read(&i->options, network_is_ours(), &flags, err);

        if (r < 0)
                return r;
        switch (flags.mode) {
        case NETWORK_MODE_NONE:
        case NETWORK_MODE_HOST:
                r = open_none(i, hostname, flags.mode == NETWORK_MODE_HOST, &n, err);
                break;
        case NETWORK_MODE_CONTAINER:
                r = open_shared(e, flags.container, &n, err);
                break;
        case NETWORK_MODE_PASTA:
                r = network_is_ours() ? error_set(err, EINVAL, "pasta is for ordinary users: root has bridge")
                                      : open_pasta(e, i, hostname, &n, err);
                break;
        case NETWORK_MODE_BRIDGES:
                r = network_is_ours() ? open_bridges(e, i, &flags, hostname, &n, err)
                                      : error_set(err, ENOTSUP,
                                                  "only root has bridges: --network pasta, none, host and "
                                                  "container:NAME are for all");
                break;
        }
        if (r < 0)
                return error_wrap(err, "network");
        *ret = n;
        n = (struct instance_network)INSTANCE_NETWORK_NONE;
        return 0;
}

/* What others have of its namespace goes on without its addresses. */
static void unplug(const struct endpoint *e)
{
        own_netlink struct netlink host = { .fd = -1 };
        struct error ignored;

        if (netlink_open(NETLINK_ROUTE, &host, &ignored) < 0)
                return;
        for (size_t i = 0; i < e->n_networks; i++)
                link_remove(&host, e->networks[i].interface, &ignored);
}

/* Who changes what is written of its networks (rename, network connect) has the instance's directory locked. */
static int wait_for_changes(const struct engine *e, const char *id)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;

        if (asprintf(&path, "%s/instances/%s", e->root, id) < 0) {
                path = NULL;
                return -1;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && flock(fd, LOCK_EX) == 0 ? take_fd(&fd) : -1;
}

/* One that is not there any more is not told of. */
static void tell_left(const struct engine *e, const struct network_place *place, const struct endpoint *endpoint)
{
        for (size_t i = 0; i < endpoint->n_networks; i++) {
                own_network struct network n = {};

                if (network_load(place, endpoint->networks[i].network, &n, NULL) == 0)
                        tell(e, &n, endpoint->id, "disconnect");
        }
}

int instance_network_close(struct engine *e, const char *id, struct error *err)
{
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint endpoint = {};
        own_fd int changes = wait_for_changes(e, id);
        int r;

        (void)changes;
        if (!network_is_ours())
                network_close_pasta(e, id);
        r = endpoint_read(&place, id, &endpoint, err);
        if (r == -ENOENT)
                return 0;
        /* One that cannot be read is of no use to anybody. */
        if (r == 0) {
                if (network_is_ours())
                        firewall_unpublish(&place, &endpoint);
                give_addresses(&place, &endpoint);
                if (endpoint.shared)
                        unplug(&endpoint);
        }
        endpoint_remove(&place, id);
        tell_left(e, &place, &endpoint);
        return 0;
}
