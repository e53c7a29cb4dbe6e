/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/port_bindings.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/port.h"

static int compare(const void *a, const void *b)
{
        const struct port_wish *x = a, *y = b;

        return x->port != y->port ? x->port - y->port : x->protocol - y->protocol;
}

static void write_host(struct json_writer *w, const struct port_wish *wish)
{
        char address[IP_TEXT_MAX], ports[sizeof "65535-65535"] = "";

        if (wish->host_first && wish->host_first == wish->host_last)
                snprintf(ports, sizeof ports, "%u", wish->host_first);
        else if (wish->host_first)
                snprintf(ports, sizeof ports, "%u-%u", wish->host_first, wish->host_last);
        json_begin_object(w, NULL);
        json_write_string(w, "HostIp", wish->host.family ? ip_format(&wish->host, address) : "");
        json_write_string(w, "HostPort", ports);
        json_end_object(w);
}

void port_bindings_write(struct json_writer *w, const char *const *publish)
{
        own_port_wishes struct port_wishes wishes = {};
        struct error ignored;
        char key[sizeof "65535/sctp"];

        for (; publish && *publish; publish++)
                port_wishes_add(&wishes, *publish, &ignored);
        if (wishes.n)
                qsort(wishes.v, wishes.n, sizeof *wishes.v, compare);
        json_begin_object(w, "PortBindings");
        for (size_t i = 0; i < wishes.n; i++) {
                if (i == 0 || compare(&wishes.v[i - 1], &wishes.v[i]) != 0) {
                        snprintf(key, sizeof key, "%u/%s", wishes.v[i].port, protocol_name(wishes.v[i].protocol));
                        json_begin_array(w, key);
                }
                write_host(w, &wishes.v[i]);
                if (i + 1 == wishes.n || compare(&wishes.v[i], &wishes.v[i + 1]) != 0)
                        json_end_array(w);
        }
        json_end_object(w);
}
