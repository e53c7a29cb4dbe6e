/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/inspect.h"
#include "cli/network_select.h"
#include "cli/timestamp.h"
#include "net/endpoint.h"

static void write_pairs(struct json_writer *w, const char *key, const struct network_pair *list)
{
        json_begin_object(w, key);
        for (; list && list->key; list++)
                json_write_string(w, list->key, list->value);
        json_end_object(w);
}

static void write_range(struct json_writer *w, const struct network_range *r)
{
        char text[SUBNET_TEXT_MAX];

        if (!r->subnet.ip.family)
                return;
        json_begin_object(w, NULL);
        json_write_string(w, "Subnet", subnet_format(&r->subnet, text));
        if (r->range.ip.family)
                json_write_string(w, "IPRange", subnet_format(&r->range, text));
        json_write_string(w, "Gateway", ip_format(&r->gateway, text));
        json_end_object(w);
}

static void write_ipam(struct json_writer *w, const struct network *n)
{
        json_begin_object(w, "IPAM");
        json_write_string(w, "Driver", "default");
        json_write_raw(w, "Options", "null");
        json_begin_array(w, "Config");
        write_range(w, &n->v4);
        write_range(w, &n->v6);
        json_end_array(w);
        json_end_object(w);
}

struct users {
        const char *network;
        struct json_writer *w;
};

static void write_address(struct json_writer *w, const char *key, const struct ip *ip, unsigned bits)
{
        char text[SUBNET_TEXT_MAX];
        const struct subnet s = { *ip, bits };

        json_write_string(w, key, ip->family ? subnet_format(&s, text) : "");
}

static int write_user(void *userdata, struct endpoint *e)
{
        const struct users *u = userdata;

        for (size_t i = 0; i < e->n_networks; i++) {
                const struct endpoint_network *n = &e->networks[i];
                char mac[MAC_TEXT_MAX];

                if (strcmp(n->network, u->network) != 0)
                        continue;
                json_begin_object(u->w, e->id);
                json_write_string(u->w, "Name", e->name);
                json_write_string(u->w, "EndpointID", n->interface);
                json_write_string(u->w, "MacAddress", mac_format(n->mac, mac));
                write_address(u->w, "IPv4Address", &n->ip4, n->bits4);
                write_address(u->w, "IPv6Address", &n->ip6, n->bits6);
                json_end_object(u->w);
        }
        return 0;
}

static int write_network(const struct network_place *place, const struct network *n, const char *driver,
                         struct json_writer *w, struct error *err)
{
        struct users u = { n->name, w };
        char created[TIMESTAMP_MAX];
        int r;

        timestamp_rfc3339(n->created / 1000000000, created);
        json_begin_object(w, NULL);
        json_write_string(w, "Name", n->name);
        json_write_string(w, "Id", n->id);
        json_write_string(w, "Created", created);
        json_write_string(w, "Scope", "local");
        json_write_string(w, "Driver", driver);
        json_write_bool(w, "EnableIPv4", true);
        json_write_bool(w, "EnableIPv6", n->ipv6);
        write_ipam(w, n);
        json_write_bool(w, "Internal", n->internal);
        json_write_bool(w, "Attachable", false);
        json_write_bool(w, "Ingress", false);
        json_write_string(w, "Interface", n->interface);
        json_begin_object(w, "Containers");
        r = endpoint_each(place, write_user, &u, err);
        json_end_object(w);
        write_pairs(w, "Options", n->options);
        write_pairs(w, "Labels", n->labels);
        json_end_object(w);
        return r;
}

static int write_one(void *engine, const char *name, struct json_writer *w, struct error *err)
{
        const struct network_place place = network_place_of_engine(engine);
        own_network struct network n = {};
        int r;

        for (size_t k = 0; k < ARRAY_SIZE(pseudo_networks); k++) {
                const struct pseudo_network *p = &pseudo_networks[k];

                if (strcmp(p->name, name) != 0)
                        continue;
                n.name = p->name;
                snprintf(n.id, sizeof n.id, "%s", p->id);
                return write_network(&place, &n, p->driver, w, err);
        }
        r = network_find(&place, name, &n, err);
        return r == 0 ? write_network(&place, &n, "bridge", w, err) : r;
}

int cmd_network_inspect(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        return r == 0 ? inspect_operands(inv, write_one, &e, err) : r;
}
