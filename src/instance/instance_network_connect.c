/* SPDX-License-Identifier: Apache-2.0 */
/* `network connect` and `disconnect`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_files.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/network_files.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "net/attach.h"
#include "net/dns_start.h"
#include "net/firewall.h"
#include "net/lease.h"
#include "net/netns.h"
#include "net/network_up.h"

enum { SHORT_ID = 12, MAX_DEVICES = 64 };

/* ---- what the options say ---- */

/* All that was said of networks then stands in --network. */
static int save_flags(struct instance *i, const struct network_flags *f, const struct network_flag *more,
                      const char *less, struct error *err)
{
        own_mem char **values = calloc(f->n + 2, sizeof *values);
        const char *const none[] = { "none" };
        size_t n = 0;
        bool failed = !values;

        for (size_t k = 0; !failed && k < f->n; k++) {
                if (less && strcmp(f->v[k].name, less) == 0)
                        continue;
                values[n] = network_flag_write(&f->v[k]);
                failed = !values[n++];
        }
        if (more && !failed) {
                values[n] = network_flag_write(more);
                failed = !values[n++];
        }
        if (!failed)
                failed = instance_option_set_list(&i->options, instance_option_find("network"),
                                                  n ? (const char *const *)values : none, n ? n : 1) < 0;
        while (n)
                free(values[--n]);
        if (failed)
                return error_set(err, ENOMEM, "out of memory");
        i->options.ip = i->options.ip6 = i->options.mac_address = NULL;
        i->options.network_alias = NULL;
        return instance_save(i, err);
}

/* ---- one that runs ---- */

struct plug {
        struct engine *e;
        struct instance *i;
        struct network_place place;
        struct endpoint endpoint;
        struct network network;
        struct netlink host, inside;
        int netns;
};

static void plug_finish(struct plug *p)
{
        endpoint_finish(&p->endpoint);
        network_finish(&p->network);
        netlink_close(&p->host);
        netlink_close(&p->inside);
        if (p->netns >= 0)
                close(p->netns);
}
#define own_plug __attribute__((cleanup(plug_finish)))

static int plug_open(struct plug *p, struct error *err)
{
        int r = endpoint_read(&p->place, p->i->id, &p->endpoint, err);

        if (r < 0)
                return r;
        r = p->netns = network_open_netns(p->e, p->i, err);
        if (r >= 0)
                r = netlink_open(NETLINK_ROUTE, &p->host, err);
        return r == 0 ? netns_netlink(p->netns, &p->inside, err) : r;
}

/* hosts and resolv.conf as they are after the change, in their places. */
static int rewrite_files(struct plug *p, struct error *err)
{
        own_instance_network struct instance_network n = INSTANCE_NETWORK_NONE;
        const struct ip loopback = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
        own_network struct network first = {};
        char hostname[65];
        bool any = p->endpoint.n_networks;
        int r;

        snprintf(hostname, sizeof hostname, "%.*s", p->i->options.hostname ? 64 : SHORT_ID,
                 p->i->options.hostname ? p->i->options.hostname : p->i->id);
        r = any ? network_load(&p->place, p->endpoint.networks[0].network, &first, err) : 0;
        if (r == 0)
                r = network_hosts_write(&p->i->options, hostname, &p->endpoint, any ? &first.v4.gateway : &loopback,
                                        &n.hosts, err);
        if (r == 0)
                r = network_resolv_write(&p->i->options, any, &n.resolv, err);
        return r == 0 ? instance_files_write(p->i, hostname, &n, err) : r;
}

static bool has_device(const struct endpoint *e, unsigned number)
{
        char name[IFNAMSIZ];

        snprintf(name, sizeof name, "eth%u", number);
        for (size_t i = 0; i < e->n_networks; i++)
                if (strcmp(e->networks[i].device, name) == 0)
                        return true;
        return false;
}

static int add_lease(struct plug *p, const struct network_flag *f, struct error *err)
{
        struct attach_wish wish = {
                .ip4 = f->ip4, .ip6 = f->ip6, .mac = f->has_mac ? f->mac : NULL, .aliases = f->aliases
        };
        struct endpoint *e = &p->endpoint;
        struct endpoint_network *grown = arena_alloc(&e->arena, e->n_networks + 1, sizeof *grown);
        int r;

        if (!grown)
                return error_set(err, ENOMEM, "out of memory");
        if (e->n_networks)
                memcpy(grown, e->networks, e->n_networks * sizeof *grown);
        while (wish.device < MAX_DEVICES && has_device(e, wish.device))
                wish.device++;
        r = attach_lease(&p->place, &p->network, p->i->id, &wish, &e->arena, &grown[e->n_networks], err);
        if (r < 0)
                return r;
        e->networks = grown;
        e->n_networks++;
        return 0;
}

static void take_back(struct plug *p)
{
        struct endpoint *e = &p->endpoint;
        struct endpoint_network *last = &e->networks[e->n_networks - 1];
        struct error ignored;

        link_remove(&p->host, last->interface, &ignored);
        lease_give(&p->place, last->network, &last->ip4, e->id);
        if (last->ip6.family)
                lease_give(&p->place, last->network, &last->ip6, e->id);
        e->n_networks--;
        endpoint_write(&p->place, e, &ignored);
}

static int plug_in(struct plug *p, const struct network_flag *f, struct error *err)
{
        bool has_default = endpoint_published(&p->endpoint);
        int bridge = network_up(&p->place, &p->network, &p->host, err), r = bridge;
        struct endpoint_network *added;

        if (r >= 0)
                r = add_lease(p, f, err);
        if (r < 0)
                return r;
        added = &p->endpoint.networks[p->endpoint.n_networks - 1];
        r = endpoint_write(&p->place, &p->endpoint, err);
        if (r == 0)
                r = attach(&p->host, &p->inside, p->netns, (unsigned)bridge, &p->network, added,
                           !has_default && !p->network.internal, err);
        if (r == 0)
                r = dns_ensure(&p->place, &p->network, &p->host, (unsigned)bridge, err);
        if (r == 0)
                r = rewrite_files(p, err);
        if (r < 0)
                take_back(p);
        return r;
}

/* What led over the network leads over the next one. */
static int move_default(struct plug *p, struct error *err)
{
        const struct endpoint_network *next = endpoint_published(&p->endpoint);
        own_network struct network n = {};
        int r;

        if (!next)
                return 0;
        r = network_load(&p->place, next->network, &n, err);
        if (r == 0)
                r = attach_default_routes(&p->inside, &n, next, err);
        return r == 0 && p->endpoint.n_ports ? firewall_publish(&p->place, &p->endpoint, err) : r;
}

static int plug_out(struct plug *p, const char *network, struct error *err)
{
        struct endpoint *e = &p->endpoint;
        const struct endpoint_network *published = endpoint_published(e);
        struct endpoint_network gone;
        bool was_default;
        size_t at = 0;
        int r;

        while (at < e->n_networks && strcmp(e->networks[at].network, network) != 0)
                at++;
        if (at == e->n_networks)
                return 0;
        was_default = published == &e->networks[at];
        gone = e->networks[at];
        if (was_default)
                firewall_unpublish(&p->place, e);
        r = link_remove(&p->host, gone.interface, err);
        if (r < 0)
                return r;
        memmove(&e->networks[at], &e->networks[at + 1], (e->n_networks - at - 1) * sizeof gone);
        e->n_networks--;
        r = endpoint_write(&p->place, e, err);
        if (r < 0)
                return r;
        lease_give(&p->place, gone.network, &gone.ip4, e->id);
        if (gone.ip6.family)
                lease_give(&p->place, gone.network, &gone.ip6, e->id);
        if (was_default)
                r = move_default(p, err);
        return r == 0 ? rewrite_files(p, err) : r;
}

/* ---- both ---- */

static int read_flags(const struct instance *i, struct network_flags *ret, struct error *err)
{
        int r = network_flags_read(&i->options, network_is_ours(), ret, err);

        if (r == 0 && ret->mode != NETWORK_MODE_BRIDGES && ret->mode != NETWORK_MODE_NONE)
                r = error_set(err, EINVAL, "the instance %s has --network %s, which stands alone", i->name,
                              *i->options.network);
        return r;
}

static bool is_on(const struct network_flags *f, const char *network)
{
        for (size_t k = 0; k < f->n; k++)
                if (strcmp(f->v[k].name, network) == 0)
                        return true;
        return false;
}

static int connect_locked(struct engine *e, struct instance *i, const char *flag, struct error *err)
{
        own_plug struct plug p = {
                .e = e, .i = i, .place = network_place_of(e), .host = { .fd = -1 }, .inside = { .fd = -1 }, .netns = -1
        };
        own_network_flags struct network_flags flags = {};
        struct network_flag more = {};
        int r = read_flags(i, &flags, err);

        if (r == 0)
                r = network_flag_read(flag, &flags.arena, &more, err);
        if (r == 0)
                r = network_find(&p.place, more.name, &p.network, err);
        if (r < 0 || !p.network.name)
                return r;
        more.name = p.network.name;
        if (is_on(&flags, more.name))
                return error_set(err, EEXIST, "the instance %s is on the network %s already", i->name, more.name);
        if (instance_is_running(i)) {
                if (flags.mode == NETWORK_MODE_NONE)
                        return error_set(err, EBUSY, "the instance %s runs without a network; stop it first", i->name);
                r = plug_open(&p, err);
                if (r == 0)
                        r = plug_in(&p, &more, err);
        }
        return r == 0 ? save_flags(i, &flags, &more, NULL, err) : r;
}

static int disconnect_locked(struct engine *e, struct instance *i, const char *network, struct error *err)
{
        own_plug struct plug p = {
                .e = e, .i = i, .place = network_place_of(e), .host = { .fd = -1 }, .inside = { .fd = -1 }, .netns = -1
        };
        own_network_flags struct network_flags flags = {};
        int r = read_flags(i, &flags, err);

        if (r == 0)
                r = network_find(&p.place, network, &p.network, err);
        if (r < 0 || !p.network.name)
                return r;
        network = p.network.name;
        if (!is_on(&flags, network))
                return error_set(err, ENOENT, "the instance %s is not on the network %s", i->name, network);
        if (instance_is_running(i)) {
                r = plug_open(&p, err);
                if (r == 0)
                        r = plug_out(&p, network, err);
        }
        return r == 0 ? save_flags(i, &flags, NULL, network, err) : r;
}

int instance_network_connect(struct engine *e, struct instance *i, const char *flag, struct error *err)
{
        int r = instance_check_on_host(i, "plugged in or out", err);

        if (r == 0)
                r = instance_lock_config(e, i, err);
        if (r < 0)
                return r;
        r = connect_locked(e, i, flag, err);
        flock(i->fd, LOCK_UN);
        return r;
}

int instance_network_disconnect(struct engine *e, struct instance *i, const char *network, struct error *err)
{
        int r = instance_check_on_host(i, "plugged in or out", err);

        if (r == 0)
                r = instance_lock_config(e, i, err);
        if (r < 0)
                return r;
        r = disconnect_locked(e, i, network, err);
        flock(i->fd, LOCK_UN);
        return r;
}

int instance_network_rename(struct engine *e, const struct instance *i, struct error *err)
{
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint endpoint = {};
        int r = endpoint_read(&place, i->id, &endpoint, err);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        endpoint.name = i->name;
        return endpoint_write(&place, &endpoint, err);
}
