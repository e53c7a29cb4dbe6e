/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/network.h"

static void write_pairs(struct json_writer *w, const char *key, const struct network_pair *list)
{
        json_begin_object(w, key);
        for (; list && list->key; list++)
                json_write_string(w, list->key, list->value);
        json_end_object(w);
}

static void write_range(struct json_writer *w, const char *key, const struct network_range *r)
{
        char text[SUBNET_TEXT_MAX];

        if (!r->subnet.ip.family)
                return;
        json_begin_object(w, key);
        json_write_string(w, "subnet", subnet_format(&r->subnet, text));
        json_write_string(w, "gateway", ip_format(&r->gateway, text));
        if (r->range.ip.family)
                json_write_string(w, "range", subnet_format(&r->range, text));
        if (r->is_picked)
                json_write_bool(w, "picked", true);
        json_end_object(w);
}

void network_write(const struct network *n, struct json_writer *w)
{
        json_begin_object(w, NULL);
        json_write_string(w, "id", n->id);
        json_write_string(w, "name", n->name);
        json_write_string(w, "interface", n->interface);
        json_write_i64(w, "created", n->created);
        write_range(w, "ipv4", &n->v4);
        write_range(w, "ipv6", &n->v6);
        json_write_bool(w, "internal", n->internal);
        write_pairs(w, "options", n->options);
        write_pairs(w, "labels", n->labels);
        json_end_object(w);
}

/* ---- reading ---- */

struct pairs {
        struct network *network;
        struct network_pair **list;
};

static int read_pair(const char *key, struct json_object *value, void *userdata)
{
        struct pairs *p = userdata;
        const char *text = json_string_value(value);

        return text ? network_add_pair(p->network, p->list, key, text) : -EINVAL;
}

static int read_pairs(struct network *n, struct json_object *obj, const char *key, struct network_pair **list,
                      struct error *err)
{
        struct pairs p = { n, list };
        struct json_object *pairs;
        int r = json_get_object(obj, key, &pairs, err);

        if (r <= 0)
                return r;
        r = json_each(pairs, read_pair, &p);
        return r < 0 ? error_errno(err, -r, "%s", key) : 0;
}

static int get_subnet(struct json_object *obj, const char *key, int family, struct subnet *ret, struct error *err)
{
        const char *text;
        int r = json_get_string(obj, key, &text, err);

        if (r == 1)
                r = subnet_parse(text, ret, err) < 0 || ret->ip.family != family
                            ? error_set(err, EINVAL, "%s: \"%s\" is no such subnet", key, text)
                            : 1;
        return r;
}

static int read_range(struct json_object *obj, const char *key, int family, struct network_range *ret,
                      struct error *err)
{
        struct json_object *range;
        const char *gateway = "";
        int r = json_get_object(obj, key, &range, err);

        if (r <= 0)
                return r;
        r = get_subnet(range, "subnet", family, &ret->subnet, err);
        if (r == 1)
                r = json_get_string(range, "gateway", &gateway, err);
        if (r >= 0 && (!ip_parse(gateway, &ret->gateway) || ret->gateway.family != family))
                r = error_set(err, EINVAL, "%s: no gateway", key);
        if (r >= 0)
                r = get_subnet(range, "range", family, &ret->range, err);
        if (r >= 0)
                r = json_get_bool(range, "picked", &ret->is_picked, err);
        return r < 0 ? r : 0;
}

static int read_names(struct json_object *obj, struct network *n, struct error *err)
{
        const char *id = "", *name = "", *interface = "";

        if (json_get_string(obj, "id", &id, err) < 0 || json_get_string(obj, "name", &name, err) < 0 ||
            json_get_string(obj, "interface", &interface, err) < 0)
                return -err->code;
        if (strlen(id) != NETWORK_ID_LEN || !*name || !*interface || strlen(interface) >= sizeof n->interface)
                return error_set(err, EINVAL, "its id, name or interface is missing");
        memcpy(n->id, id, sizeof n->id);
        memcpy(n->interface, interface, strlen(interface) + 1);
        n->name = arena_strdup(&n->arena, name);
        return n->name ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int read_members(struct json_object *obj, struct network *n, struct error *err)
{
        int r = read_names(obj, n, err);

        if (r < 0)
                return r;
        if (json_get_i64(obj, "created", &n->created, err) < 0 || json_get_bool(obj, "internal", &n->internal, err) < 0)
                return -err->code;
        r = read_range(obj, "ipv4", AF_INET, &n->v4, err);
        if (r == 0)
                r = read_range(obj, "ipv6", AF_INET6, &n->v6, err);
        if (r == 0 && !n->v4.subnet.ip.family)
                r = error_set(err, EINVAL, "it has no subnet");
        n->ipv6 = n->v6.subnet.ip.family;
        if (r == 0)
                r = read_pairs(n, obj, "options", &n->options, err);
        if (r == 0)
                r = read_pairs(n, obj, "labels", &n->labels, err);
        return r == 0 ? network_apply_options(n, err) : r;
}

int network_read(const char *text, size_t len, struct network *ret, struct error *err)
{
        own_network struct network n = {};
        own_json struct json_object *obj = NULL;
        int r = json_parse(text, len, &obj, err);

        if (r == 0)
                r = json_is_object(obj) ? read_members(obj, &n, err) : error_set(err, EINVAL, "it is no object");
        if (r < 0)
                return r;
        *ret = n;
        n = (struct network){};
        return 0;
}
