/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/network_select.h"
#include "net/endpoint.h"
#include "net/port.h"

/* "80/tcp -> " stands before each address unless one port was asked for. */
static void add_line(struct buf *out, const struct endpoint_port *p, const char *address, bool is_v6, bool named)
{
        if (named)
                buf_addf(out, "%u/%s -> ", p->port, protocol_name(p->protocol));
        buf_addf(out, is_v6 ? "[%s]:%u\n" : "%s:%u\n", address, p->host_port);
}

static void add_port(struct buf *out, const struct endpoint *e, const struct endpoint_port *p, bool named)
{
        const struct endpoint_network *to = endpoint_published(e);
        char text[IP_TEXT_MAX];

        if (p->host.family) {
                add_line(out, p, ip_format(&p->host, text), p->host.family == AF_INET6, named);
                return;
        }
        add_line(out, p, "0.0.0.0", false, named);
        if (to && to->ip6.family)
                add_line(out, p, "::", true, named);
}

int cmd_port(struct invocation *inv, struct error *err)
{
        const char *wanted = inv->args.n_operands > 1 ? inv->args.operands[1] : NULL;
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_endpoint struct endpoint endpoint = {};
        own_buf struct buf out = {};
        struct network_place place;
        uint16_t port = 0;
        uint8_t protocol = 0;
        int r = wanted ? port_parse(wanted, &port, &protocol, err) : 0;

        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        if (r < 0 || !i)
                return r;
        place = network_place_of_engine(&e);
        r = endpoint_read(&place, i->id, &endpoint, err);
        if (r < 0 && r != -ENOENT)
                return r;
        for (size_t k = 0; k < endpoint.n_ports; k++)
                if (!wanted || (endpoint.ports[k].port == port && endpoint.ports[k].protocol == protocol))
                        add_port(&out, &endpoint, &endpoint.ports[k], !wanted);
        if (wanted && !out.len)
                return error_set(err, ENOENT, "the instance %s publishes no port %s", i->name, wanted);
        return output_write(&out, err);
}
