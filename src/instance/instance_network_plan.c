/* SPDX-License-Identifier: Apache-2.0 */
/* The network that an instance would get, told without making any of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "instance/instance_explain.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "net/lease.h"
#include "net/network.h"
#include "net/port.h"

/* The default one need not be there yet: its subnet is chosen when it is made. 1: it would be made. */
static int find(const struct network_place *p, const char *name, struct network *ret, struct error *err)
{
        int r;

        if (strcmp(name, NETWORK_DEFAULT) != 0)
                return network_find(p, name, ret, err);
        r = network_load(p, name, ret, err);
        if (r != -ENOENT)
                return r;
        *ret = (struct network){ .name = NETWORK_DEFAULT, .interface = NETWORK_DEFAULT_INTERFACE, .ipv6 = true };
        return 1;
}

static int check_address(const struct network *n, const struct network_range *range, const struct ip *wanted,
                         struct error *err)
{
        return wanted->family && range->subnet.ip.family ? lease_check(n, range, wanted, err) : 0;
}

static void write_range(struct json_writer *w, const char *key, const struct network_range *r)
{
        char text[SUBNET_TEXT_MAX];

        if (r->subnet.ip.family)
                json_write_string(w, key, subnet_format(&r->subnet, text));
}

static void write_ip(struct json_writer *w, const char *key, const struct ip *ip)
{
        char text[IP_TEXT_MAX];

        if (ip->family)
                json_write_string(w, key, ip_format(ip, text));
}

static void write_network(struct json_writer *w, const struct network *n, const struct network_flag *f, bool is_new)
{
        char mac[MAC_TEXT_MAX];

        json_begin_object(w, NULL);
        json_write_string(w, "Name", n->name);
        json_write_string(w, "Interface", n->interface);
        write_range(w, "Subnet", &n->v4);
        write_range(w, "Subnet6", &n->v6);
        write_ip(w, "IPAddress", &f->ip4);
        write_ip(w, "GlobalIPv6Address", &f->ip6);
        if (f->has_mac)
                json_write_string(w, "MacAddress", mac_format(f->mac, mac));
        json_write_bool(w, "Internal", n->internal);
        json_write_bool(w, "New", is_new);
        json_begin_array(w, "Aliases");
        for (const char *const *alias = f->aliases; *alias; alias++)
                json_write_string(w, NULL, *alias);
        json_end_array(w);
        json_end_object(w);
}

static int write_bridges(struct engine *e, const struct network_flags *flags, struct json_writer *w, struct error *err)
{
        const struct network_place place = network_place_of(e);
        int r = network_is_ours() ? 0
                                  : error_set(err, ENOTSUP,
                                              "only root has bridges: --network pasta, none, host and "
                                              "container:NAME are for all");

        json_begin_array(w, "Networks");
        for (size_t i = 0; r >= 0 && i < flags->n; i++) {
                const struct network_flag *f = &flags->v[i];
                own_network struct network n = {};

                r = find(&place, f->name, &n, err);
                if (r >= 0 && f->ip6.family && !n.ipv6)
                        return error_set(err, EINVAL, "the network %s has no IPv6", n.name);
                if (r >= 0 &&
                    (check_address(&n, &n.v4, &f->ip4, err) < 0 || check_address(&n, &n.v6, &f->ip6, err) < 0))
                        return -err->code;
                if (r >= 0)
                        write_network(w, &n, f, r == 1);
        }
        json_end_array(w);
        return r < 0 ? r : 0;
}

/* Of a range that the host may choose from only that is known. */
static int write_ports(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        own_port_wishes struct port_wishes wishes = {};
        int r = network_read_ports(o, &wishes, err);

        json_begin_array(w, "Ports");
        for (size_t i = 0; r == 0 && i < wishes.n; i++) {
                const struct port_wish *p = &wishes.v[i];
                char text[32];

                json_begin_object(w, NULL);
                write_ip(w, "HostIp", &p->host);
                snprintf(text, sizeof text, p->host_first == p->host_last ? "%u" : "%u-%u", p->host_first,
                         p->host_last);
                if (p->host_first)
                        json_write_string(w, "HostPort", text);
                snprintf(text, sizeof text, "%u/%s", p->port, protocol_name(p->protocol));
                json_write_string(w, "ContainerPort", text);
                json_end_object(w);
        }
        json_end_array(w);
        return r;
}

/* Of one that has a network to be shared. */
static int write_container(struct engine *e, const char *name, struct json_writer *w, struct error *err)
{
        own_instance struct instance *other = NULL;
        int r = instance_find(e, name, &other, err);
        own_fd int netns = r < 0 ? -1 : network_open_netns(e, other, err);

        json_write_string(w, "Mode", "container");
        if (r < 0 || netns < 0)
                return r < 0 ? r : netns;
        json_write_string(w, "Container", other->name);
        return 0;
}

static int write_mode(struct engine *e, const struct network_flags *flags, struct json_writer *w, struct error *err)
{
        switch (flags->mode) {
        case NETWORK_MODE_NONE:
                json_write_string(w, "Mode", "none");
                return 0;
        case NETWORK_MODE_HOST:
                json_write_string(w, "Mode", "host");
                return 0;
        case NETWORK_MODE_PASTA:
                json_write_string(w, "Mode", "pasta");
                return network_is_ours() ? error_set(err, EINVAL, "pasta is for ordinary users: root has bridge") : 0;
        case NETWORK_MODE_CONTAINER:
                return write_container(e, flags->container, w, err);
        case NETWORK_MODE_BRIDGES:
                json_write_string(w, "Mode", "bridge");
                return write_bridges(e, flags, w, err);
        }
        return 0;
}

int instance_plan_network(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err)
{
        own_network_flags struct network_flags flags = {};
        int r = network_flags_read(&i->options, network_is_ours(), &flags, err);

        json_begin_object(w, "Network");
        if (r == 0)
                r = write_mode(e, &flags, w, err);
        if (r == 0 && flags.mode != NETWORK_MODE_NONE && flags.mode != NETWORK_MODE_HOST)
                r = write_ports(&i->options, w, err);
        json_end_object(w);
        return r < 0 ? error_wrap(err, "network") : 0;
}
