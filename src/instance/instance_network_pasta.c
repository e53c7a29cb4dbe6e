/* SPDX-License-Identifier: Apache-2.0 */
/* The network of an ordinary user's instance, by pasta. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_network.h"
#include "instance/network_files.h"
#include "instance/network_open.h"
#include "net/pasta.h"
#include "net/port.h"

static int check_ports(const struct endpoint *e, struct error *err)
{
        for (size_t i = 0; i < e->n_ports; i++) {
                if (e->ports[i].protocol != IPPROTO_TCP && e->ports[i].protocol != IPPROTO_UDP)
                        return error_set(err, ENOTSUP, "publish port %u/%s: without root only tcp and udp can be",
                                         e->ports[i].port, protocol_name(e->ports[i].protocol));
        }
        return 0;
}

/* That they are free, and which they become, is found out by taking them; then pasta does. */
static int choose_ports(const struct network_place *place, const struct instance *i, struct endpoint *e,
                        struct error *err)
{
        own_port_wishes struct port_wishes w = {};
        struct error why;
        int r = network_read_ports(&i->options, &w, err);

        if (r < 0 || !w.n)
                return r;
        for (size_t k = 0; k < w.n; k++)
                w.v[k].for_listening = true;
        r = port_hold(place, &w, &e->arena, &e->ports, &why);
        if (r == -EACCES)
                return error_set(err, EACCES, "%s: low ports are root's (sysctl net.ipv4.ip_unprivileged_port_start)",
                                 why.text);
        if (r < 0)
                *err = why;
        if (r < 0)
                return r;
        close(r);
        e->n_ports = w.n;
        return check_ports(e, err);
}

/* It goes with the instance's directory, whoever takes that away. */
static int name_netns(const struct engine *e, const char *id, char **ret, struct error *err)
{
        if (asprintf(ret, "%s/instances/%s/netns", e->run, id) >= 0)
                return 0;
        *ret = NULL;
        return error_set(err, ENOMEM, "out of memory");
}

void network_close_pasta(struct engine *e, const char *id)
{
        own_mem char *path = NULL;

        if (name_netns(e, id, &path, NULL) == 0)
                pasta_stop(path);
}

static int connect_netns(struct engine *e, const struct instance *i, const struct endpoint *endpoint, int *ret_netns,
                         struct error *err)
{
        own_mem char *path = NULL;
        own_fd int netns = pasta_make_netns(err);
        int r = netns < 0 ? netns : name_netns(e, i->id, &path, err);

        if (r == 0)
                r = pasta_start(netns, path, endpoint->ports, endpoint->n_ports, err);
        if (r == 0)
                *ret_netns = take_fd(&netns);
        return r;
}

int network_write_pasta_files(const struct instance_options *o, const char *hostname, struct instance_network *ret,
                              struct error *err)
{
        const struct ip loopback = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
        int r = network_hosts_write(o, hostname, NULL, &loopback, &ret->hosts, err);

        if (r == 0 && !(o->dns && *o->dns))
                buf_add_str(&ret->resolv, "nameserver " PASTA_DNS "\n");
        return r == 0 ? network_resolv_write(o, false, &ret->resolv, err) : r;
}

int network_open_pasta(struct engine *e, struct instance *i, const char *hostname, struct instance_network *ret,
                       struct error *err)
{
        static const char *const no_strings[] = { NULL };
        const struct network_place place = network_place_of(e);
        own_endpoint struct endpoint endpoint = { .id = i->id, .name = i->name ? i->name : "", .dns = no_strings };
        int r = choose_ports(&place, i, &endpoint, err);

        if (r == 0 && endpoint.n_ports)
                r = endpoint_write(&place, &endpoint, err);
        if (r == 0)
                r = connect_netns(e, i, &endpoint, &ret->netns, err);
        if (r == 0)
                r = network_write_pasta_files(&i->options, hostname, ret, err);
        if (r < 0)
                endpoint_remove(&place, i->id);
        return r;
}
