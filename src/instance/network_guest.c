/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/network_guest.h"

#include <stdio.h>

#include "base/json.h"

static void write_address(struct json_writer *w, const struct ip *ip, unsigned bits)
{
        char text[IP_TEXT_MAX], with_bits[IP_TEXT_MAX + 4];

        snprintf(with_bits, sizeof(with_bits), "%s/%u", ip_format(ip, text), bits);
        json_write_string(w, NULL, with_bits);
}

static void write_gateways(struct json_writer *w, const struct network *n, const struct endpoint_network *e)
{
        char text[IP_TEXT_MAX];

        json_begin_array(w, "gateways");
        if (!n->internal)
                json_write_string(w, NULL, ip_format(&n->v4.gateway, text));
        if (!n->internal && e->ip6.family)
                json_write_string(w, NULL, ip_format(&n->v6.gateway, text));
        json_end_array(w);
}

void network_guest_write(const struct network *n, const struct endpoint_network *e, struct buf *out)
{
        static const struct ip dns = { .family = AF_INET, .bytes = { 169, 254, 53, 53 } };
        struct json_writer w = { .out = out };
        char mac[MAC_TEXT_MAX];

        json_begin_array(&w, NULL);
        json_begin_object(&w, NULL);
        json_write_string(&w, "name", e->device);
        json_write_string(&w, "mac", mac_format(e->mac, mac));
        if (n->mtu)
                json_write_u64(&w, "mtu", n->mtu);
        json_begin_array(&w, "addresses");
        write_address(&w, &e->ip4, e->bits4);
        if (e->ip6.family)
                write_address(&w, &e->ip6, e->bits6);
        json_end_array(&w);
        json_begin_array(&w, "routes");
        write_address(&w, &dns, 32);
        json_end_array(&w);
        write_gateways(&w, n, e);
        json_end_object(&w);
        json_end_array(&w);
}
