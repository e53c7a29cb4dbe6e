/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/network_select.h"
#include "cli/template.h"
#include "cli/timestamp.h"
#include "net/endpoint.h"

struct inspection {
        struct network_place place;
        struct json_writer w; /* the array, or the network for the template */
        struct error *err;
};

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

static int write_network(struct inspection *i, const struct network *n, const char *driver)
{
        struct users u = { n->name, &i->w };
        char created[TIMESTAMP_MAX];
        int r;

        timestamp_rfc3339(n->created / 1000000000, created);
        json_begin_object(&i->w, NULL);
        json_write_string(&i->w, "Name", n->name);
        json_write_string(&i->w, "Id", n->id);
        json_write_string(&i->w, "Created", created);
        json_write_string(&i->w, "Scope", "local");
        json_write_string(&i->w, "Driver", driver);
        json_write_bool(&i->w, "EnableIPv4", true);
        json_write_bool(&i->w, "EnableIPv6", n->ipv6);
        write_ipam(&i->w, n);
        json_write_bool(&i->w, "Internal", n->internal);
        json_write_bool(&i->w, "Attachable", false);
        json_write_bool(&i->w, "Ingress", false);
        json_write_string(&i->w, "Interface", n->interface);
        json_begin_object(&i->w, "Containers");
        r = endpoint_each(&i->place, write_user, &u, i->err);
        json_end_object(&i->w);
        write_pairs(&i->w, "Options", n->options);
        write_pairs(&i->w, "Labels", n->labels);
        json_end_object(&i->w);
        return r;
}

static int inspect(struct inspection *i, const char *name)
{
        own_network struct network n = {};
        int r;

        for (size_t k = 0; k < ARRAY_SIZE(pseudo_networks); k++) {
                const struct pseudo_network *p = &pseudo_networks[k];

                if (strcmp(p->name, name) != 0)
                        continue;
                n.name = p->name;
                snprintf(n.id, sizeof n.id, "%s", p->id);
                return write_network(i, &n, p->driver);
        }
        r = network_find(&i->place, name, &n, i->err);
        return r == 0 ? write_network(i, &n, "bridge") : r;
}

/* One line a network. */
static int inspect_with_template(struct inspection *i, const char *name, const struct template *t, struct buf *out)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        int r;

        i->w = (struct json_writer){ .out = &text };
        r = inspect(i, name);
        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, i->err);
        if (r == 0)
                r = template_execute(t, json, out, i->err);
        if (r == 0)
                buf_add_str(out, "\n");
        return r;
}

int cmd_network_inspect(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_template struct template *t = NULL;
        own_engine struct engine e = {};
        own_buf struct buf out = {};
        struct inspection i = { .err = err };
        int r = 0;

        if (format && strcmp(format, "json") != 0)
                r = template_parse(format, &t, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r < 0)
                return r;
        i.place = network_place_of_engine(&e);
        i.w = (struct json_writer){ .out = &out, .indent = format ? 0 : 4 };
        if (!t)
                json_begin_array(&i.w, NULL);
        for (unsigned k = 0; k < inv->args.n_operands; k++) {
                const char *name = inv->args.operands[k];

                if ((t ? inspect_with_template(&i, name, t, &out) : inspect(&i, name)) == 0)
                        continue;
                report_error(err->text);
                inv->exit_status = 1;
        }
        if (!t) {
                json_end_array(&i.w);
                buf_add_str(&out, "\n");
        }
        return output_write(&out, err);
}
