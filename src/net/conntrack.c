/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/netlink.h"

/* What a dump is to be compared with (nf_internals.h of the kernel, CTA_FILTER_F_*). Before Linux 5.8 it has them all.
 */
enum { COMPARE_PROTOCOL = 1 << 3, COMPARE_PORT = 1 << 5 };

struct sweep {
        const struct endpoint *e;
        struct netlink remover; /* another socket than that of the dump */
        struct ip host;         /* the last address that was looked at, */
        bool is_ours;           /* and whether it is this host's */
};

static size_t begin(struct netlink *n, struct buf *m, uint16_t type, uint16_t flags, int family)
{
        const struct nfgenmsg header = { .nfgen_family = (uint8_t)family, .version = NFNETLINK_V0 };

        return netlink_begin(n, m, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &header, sizeof header);
}

static bool is_udp(const struct endpoint_port *p)
{
        return p->protocol == IPPROTO_UDP;
}

/* ---- which they are ---- */

static bool is_of_host(struct sweep *s, const struct ip *ip)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        own_fd int fd = -1;

        if (ip_equal(&s->host, ip))
                return s->is_ours;
        s->host = *ip;
        memcpy(&v4.sin_addr, ip->bytes, sizeof v4.sin_addr);
        memcpy(&v6.sin6_addr, ip->bytes, sizeof v6.sin6_addr);
        fd = socket(ip->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        s->is_ours = ip->family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof v4) == 0
                                           : bind(fd, (struct sockaddr *)&v6, sizeof v6) == 0;
        return s->is_ours;
}

/* Where it was sent to. */
static bool read_tuple(const struct nlattr *tuple, struct ip *ret_to, uint16_t *ret_port, uint8_t *ret_protocol)
{
        const struct nlattr *ip = netlink_find_nested(tuple, CTA_TUPLE_IP);
        const struct nlattr *v4 = netlink_find_nested(ip, CTA_IP_V4_DST), *v6 = netlink_find_nested(ip, CTA_IP_V6_DST);
        const struct nlattr *proto = netlink_find_nested(tuple, CTA_TUPLE_PROTO), *to = v4 ? v4 : v6;
        const struct nlattr *number = netlink_find_nested(proto, CTA_PROTO_NUM);
        const struct nlattr *port = netlink_find_nested(proto, CTA_PROTO_DST_PORT);

        *ret_to = (struct ip){ .family = v4 ? AF_INET : AF_INET6 };
        if (!to || !number || !port || netlink_len(to) != ip_size(ret_to) || netlink_len(number) != sizeof(uint8_t) ||
            netlink_len(port) != sizeof *ret_port)
                return false;
        memcpy(ret_to->bytes, netlink_data(to), netlink_len(to));
        memcpy(ret_port, netlink_data(port), sizeof *ret_port);
        memcpy(ret_protocol, netlink_data(number), sizeof *ret_protocol);
        *ret_port = ntohs(*ret_port);
        return true;
}

static bool is_published(struct sweep *s, const struct nlattr *tuple)
{
        uint8_t protocol;
        uint16_t port;
        struct ip to;

        if (!read_tuple(tuple, &to, &port, &protocol) || protocol != IPPROTO_UDP)
                return false;
        for (size_t i = 0; i < s->e->n_ports; i++) {
                const struct endpoint_port *p = &s->e->ports[i];
                bool at_one = p->host.family && !ip_is_any(&p->host);

                if (is_udp(p) && p->host_port == port && (at_one ? ip_equal(&p->host, &to) : is_of_host(s, &to)))
                        return true;
        }
        return false;
}

/* ---- their end ---- */

/* The same bytes name it. One that has gone meanwhile is as good. */
static int forget(void *userdata, const struct nlmsghdr *message)
{
        const struct nfgenmsg *header = (const struct nfgenmsg *)(const void *)((const char *)message + NLMSG_HDRLEN);
        const struct nlattr *tuple = netlink_find(message, sizeof *header, CTA_TUPLE_ORIG);
        const struct nlattr *zone = netlink_find(message, sizeof *header, CTA_ZONE);
        struct sweep *s = userdata;
        own_buf struct buf m = {};
        struct error ignored;
        size_t at;

        if (!tuple || !is_published(s, tuple))
                return 0;
        at = begin(&s->remover, &m, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, header->nfgen_family);
        netlink_add(&m, CTA_TUPLE_ORIG | NLA_F_NESTED, netlink_data(tuple), netlink_len(tuple));
        if (zone)
                netlink_add(&m, CTA_ZONE, netlink_data(zone), netlink_len(zone));
        netlink_end(&m, at);
        (void)netlink_talk(&s->remover, &m, &ignored);
        return 0;
}

/* only: all that are of interest have this port; 0: they do not. */
static void add_filter(struct buf *m, uint16_t only)
{
        uint16_t port = htons(only);
        size_t tuple = netlink_nest(m, CTA_TUPLE_ORIG), proto = netlink_nest(m, CTA_TUPLE_PROTO), filter;

        netlink_add_u8(m, CTA_PROTO_NUM, IPPROTO_UDP);
        if (only)
                netlink_add(m, CTA_PROTO_DST_PORT, &port, sizeof port);
        netlink_nest_end(m, proto);
        netlink_nest_end(m, tuple);
        filter = netlink_nest(m, CTA_FILTER);
        netlink_add_u32(m, CTA_FILTER_ORIG_FLAGS, COMPARE_PROTOCOL | (only ? COMPARE_PORT : 0));
        netlink_nest_end(m, filter);
}

static void sweep(struct sweep *s, int family, uint16_t only)
{
        own_netlink struct netlink n = { .fd = -1 };
        own_buf struct buf m = {};
        struct error ignored;
        size_t at;

        if (netlink_open(NETLINK_NETFILTER, &n, &ignored) < 0)
                return;
        at = begin(&n, &m, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family);
        add_filter(&m, only);
        netlink_end(&m, at);
        (void)netlink_ask(&n, &m, forget, s, &ignored);
}

void conntrack_forget_udp(const struct endpoint *e)
{
        const struct endpoint_network *to = endpoint_published(e);
        struct sweep s = { .e = e, .remover = { .fd = -1 } };
        uint16_t only = 0;
        struct error ignored;
        size_t n = 0;

        for (size_t i = 0; i < e->n_ports; i++) {
                if (!is_udp(&e->ports[i]))
                        continue;
                only = n++ ? 0 : e->ports[i].host_port;
        }
        if (!n || !to || netlink_open(NETLINK_NETFILTER, &s.remover, &ignored) < 0)
                return;
        sweep(&s, AF_INET, only);
        if (to->ip6.family)
                sweep(&s, AF_INET6, only);
        netlink_close(&s.remover);
}
