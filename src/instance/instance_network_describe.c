/* SPDX-License-Identifier: Apache-2.0 */
/* What `inspect` and `ps` show of networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_network.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "net/port.h"

enum { KEY_SIZE = 32 };

/* ---- ports ---- */

static const char *port_key(uint16_t port, uint8_t protocol, char ret[KEY_SIZE])
{
        snprintf(ret, KEY_SIZE, "%u/%s", port, protocol_name(protocol));
        return ret;
}

static void write_binding(struct json_writer *w, const char *address, uint16_t port)
{
        char text[KEY_SIZE];

        snprintf(text, sizeof text, "%u", port);
        json_begin_object(w, NULL);
        json_write_string(w, "HostIp", address);
        json_write_string(w, "HostPort", text);
        json_end_object(w);
}

static bool has_ipv6(const struct endpoint *e)
{
        const struct endpoint_network *to = endpoint_published(e);

        return to && to->ip6.family;
}

static bool is_same_target(const struct endpoint_port *a, const struct endpoint_port *b)
{
        return a->port == b->port && a->protocol == b->protocol;
}

static void write_bindings(const struct endpoint *e, const struct endpoint_port *of, struct json_writer *w)
{
        char key[KEY_SIZE], address[IP_TEXT_MAX];

        json_begin_array(w, port_key(of->port, of->protocol, key));
        for (size_t i = 0; i < e->n_ports; i++) {
                const struct endpoint_port *p = &e->ports[i];

                if (!is_same_target(p, of))
                        continue;
                write_binding(w, p->host.family ? ip_format(&p->host, address) : "0.0.0.0", p->host_port);
                if (!p->host.family && has_ipv6(e))
                        write_binding(w, "::", p->host_port);
        }
        json_end_array(w);
}

static bool is_published(const struct endpoint *e, const struct endpoint_port *p, size_t before)
{
        for (size_t i = 0; i < before; i++)
                if (is_same_target(&e->ports[i], p))
                        return true;
        return false;
}

/* Those that are only exposed. */
static void each_exposed(const struct instance *i, const struct endpoint *e,
                         void (*each)(void *userdata, const struct endpoint_port *p), void *userdata)
{
        own_port_wishes struct port_wishes w = {};

        for (const char *const *text = i->options.expose; text && *text; text++)
                if (port_wishes_add_exposed(&w, *text, NULL) < 0)
                        return;
        for (size_t k = 0; k < w.n; k++) {
                const struct endpoint_port p = { .port = w.v[k].port, .protocol = w.v[k].protocol };

                if (!is_published(e, &p, e->n_ports))
                        each(userdata, &p);
        }
}

static void write_exposed(void *userdata, const struct endpoint_port *p)
{
        char key[KEY_SIZE];

        json_write_raw(userdata, port_key(p->port, p->protocol, key), "null");
}

static void write_ports(const struct instance *i, const struct endpoint *e, struct json_writer *w)
{
        json_begin_object(w, "Ports");
        for (size_t k = 0; k < e->n_ports; k++)
                if (!is_published(e, &e->ports[k], k))
                        write_bindings(e, &e->ports[k], w);
        each_exposed(i, e, write_exposed, w);
        json_end_object(w);
}

/* ---- networks ---- */

static void write_range(struct json_writer *w, bool is_v6, const struct ip *gateway, const struct ip *ip, unsigned bits)
{
        char text[IP_TEXT_MAX];

        json_write_string(w, is_v6 ? "IPv6Gateway" : "Gateway", ip_format(gateway, text));
        json_write_string(w, is_v6 ? "GlobalIPv6Address" : "IPAddress", ip_format(ip, text));
        json_write_u64(w, is_v6 ? "GlobalIPv6PrefixLen" : "IPPrefixLen", bits);
}

/* What is said of each, and of the first one once more. */
static void write_addresses(struct json_writer *w, const struct network *n, const struct endpoint_network *e)
{
        const bool routed = !n->internal;
        const struct ip none = {};
        char mac[MAC_TEXT_MAX] = "";

        write_range(w, false, e->network && routed ? &n->v4.gateway : &none, &e->ip4, e->bits4);
        write_range(w, true, e->ip6.family && routed ? &n->v6.gateway : &none, &e->ip6, e->bits6);
        json_write_string(w, "MacAddress", e->network ? mac_format(e->mac, mac) : "");
}

static void write_aliases(struct json_writer *w, const struct network_flag *f)
{
        json_begin_array(w, "Aliases");
        for (const char *const *alias = f->aliases; *alias; alias++)
                json_write_string(w, NULL, *alias);
        json_end_array(w);
}

/* An empty one when it does not run or is not on the network. */
static struct endpoint_network find_network(const struct endpoint *e, const char *name)
{
        for (size_t i = 0; i < e->n_networks; i++)
                if (strcmp(e->networks[i].network, name) == 0)
                        return e->networks[i];
        return (struct endpoint_network){};
}

static void write_network(struct json_writer *w, const struct network_place *place, const struct endpoint *e,
                          const struct network_flag *f)
{
        const struct endpoint_network on = find_network(e, f->name);
        own_network struct network n = {};

        if (network_load(place, f->name, &n, NULL) < 0)
                n = (struct network){};
        json_begin_object(w, f->name);
        json_write_raw(w, "IPAMConfig", "null");
        json_write_raw(w, "Links", "null");
        write_aliases(w, f);
        json_write_string(w, "NetworkID", n.id);
        json_write_string(w, "EndpointID", on.interface ? on.interface : "");
        write_addresses(w, &n, &on);
        json_write_raw(w, "DriverOpts", "null");
        json_end_object(w);
}

static void write_first(struct json_writer *w, const struct network_place *place, const struct endpoint *e)
{
        own_network struct network n = {};

        if (!e->n_networks || network_load(place, e->networks[0].network, &n, NULL) < 0)
                write_addresses(w, &(struct network){}, &(struct endpoint_network){});
        else
                write_addresses(w, &n, &e->networks[0]);
}

static void write_networks(const struct instance *i, const struct network_place *place, const struct endpoint *e,
                           struct json_writer *w)
{
        static const char *const names[] = {
                [NETWORK_MODE_NONE] = "none", [NETWORK_MODE_HOST] = "host", [NETWORK_MODE_PASTA] = "pasta"
        };
        static const char *const no_aliases[] = { NULL };
        own_network_flags struct network_flags flags = {};

        json_begin_object(w, "Networks");
        if (network_flags_read(&i->options, network_is_ours(), &flags, NULL) < 0)
                flags.n = 0;
        else if (flags.mode != NETWORK_MODE_CONTAINER && flags.mode != NETWORK_MODE_BRIDGES)
                write_network(w, place, e, &(struct network_flag){ .name = names[flags.mode], .aliases = no_aliases });
        for (size_t k = 0; k < flags.n; k++)
                write_network(w, place, e, &flags.v[k]);
        json_end_object(w);
}

void instance_network_describe(struct engine *e, const struct instance *i, struct json_writer *w, const char *key)
{
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint endpoint = {};
        char path[64] = "";

        if (endpoint_read(&place, i->id, &endpoint, NULL) < 0)
                endpoint = (struct endpoint){};
        if (instance_is_running(i) && i->state.pid)
                snprintf(path, sizeof path, "/proc/%d/ns/net", (int)i->state.pid);
        json_begin_object(w, key);
        json_write_string(w, "Bridge", "");
        json_write_string(w, "SandboxID", "");
        json_write_string(w, "SandboxKey", path);
        json_write_bool(w, "HairpinMode", false);
        json_write_string(w, "EndpointID", endpoint.n_networks ? endpoint.networks[0].interface : "");
        write_ports(i, &endpoint, w);
        write_first(w, &place, &endpoint);
        write_networks(i, &place, &endpoint, w);
        json_end_object(w);
}

/* ---- one line ---- */

/* The ports behind this one that go on where it ends. */
static size_t run_length(const struct endpoint *e, size_t at)
{
        const struct endpoint_port *first = &e->ports[at];
        size_t n = 1;

        for (; at + n < e->n_ports; n++) {
                const struct endpoint_port *p = &e->ports[at + n];

                if (p->protocol != first->protocol || p->host.family != first->host.family ||
                    !ip_equal(&p->host, &first->host) || p->port != first->port + n ||
                    p->host_port != first->host_port + n)
                        break;
        }
        return n;
}

static void add_range(struct buf *out, unsigned first, size_t n)
{
        if (n > 1)
                buf_addf(out, "%u-%u", first, (unsigned)(first + n - 1));
        else
                buf_addf(out, "%u", first);
}

static void add_binding(struct buf *out, const char *address, const struct endpoint_port *p, size_t n)
{
        buf_addf(out, "%s%s:", out->len ? ", " : "", address);
        add_range(out, p->host_port, n);
        buf_add_str(out, "->");
        add_range(out, p->port, n);
        buf_addf(out, "/%s", protocol_name(p->protocol));
}

static void add_exposed(void *userdata, const struct endpoint_port *p)
{
        struct buf *out = userdata;
        char key[KEY_SIZE];

        buf_addf(out, "%s%s", out->len ? ", " : "", port_key(p->port, p->protocol, key));
}

void instance_network_ports(struct engine *e, const struct instance *i, struct buf *out)
{
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint endpoint = {};
        own_buf struct buf line = {};
        char address[IP_TEXT_MAX];

        /* Nothing to look for on the way of ps. */
        if (!i->options.publish && !i->options.publish_all && !i->options.expose)
                return;
        if (endpoint_read(&place, i->id, &endpoint, NULL) < 0)
                endpoint = (struct endpoint){};
        for (size_t k = 0, n; k < endpoint.n_ports; k += n) {
                const struct endpoint_port *p = &endpoint.ports[k];

                n = run_length(&endpoint, k);
                add_binding(&line, p->host.family ? ip_format(&p->host, address) : "0.0.0.0", p, n);
                if (!p->host.family && has_ipv6(&endpoint))
                        add_binding(&line, "::", p, n);
        }
        if (instance_is_running(i))
                each_exposed(i, &endpoint, add_exposed, &line);
        buf_add(out, buf_str(&line), line.len);
}
