/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/ioctl.h>

int link_index(const struct netlink *n, const char *name, struct error *err)
{
        struct ifreq r = {};
        size_t len = strlen(name);

        if (len >= sizeof r.ifr_name)
                return error_set(err, ENODEV, "no interface %s", name);
        memcpy(r.ifr_name, name, len + 1);
        /* Of every socket's namespace. */
        if (ioctl(n->fd, SIOCGIFINDEX, &r) < 0)
                return error_errno(err, errno, "interface %s", name);
        return r.ifr_ifindex;
}

bool link_has_mac(const struct netlink *n, const char *name, const uint8_t mac[MAC_SIZE])
{
        struct ifreq r = {};
        size_t len = strlen(name);

        if (len >= sizeof r.ifr_name)
                return false;
        memcpy(r.ifr_name, name, len + 1);
        return ioctl(n->fd, SIOCGIFHWADDR, &r) == 0 && memcmp(r.ifr_hwaddr.sa_data, mac, MAC_SIZE) == 0;
}

int link_make_bridge(struct netlink *n, const char *name, const uint8_t mac[MAC_SIZE], unsigned mtu, struct error *err)
{
        const struct ifinfomsg header = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
        own_buf struct buf b = {};
        size_t at, info;

        at = netlink_begin(n, &b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
        netlink_add_str(&b, IFLA_IFNAME, name);
        netlink_add(&b, IFLA_ADDRESS, mac, MAC_SIZE);
        if (mtu)
                netlink_add_u32(&b, IFLA_MTU, mtu);
        info = netlink_nest(&b, IFLA_LINKINFO);
        netlink_add_str(&b, IFLA_INFO_KIND, "bridge");
        netlink_nest_end(&b, info);
        netlink_end(&b, at);
        return netlink_talk(n, &b, err) < 0 ? error_wrap(err, "make the bridge %s", name) : 0;
}

/* It has the form of a link's message of its own. It cannot be made up at once: it gets to know our end last. */
static void add_peer(struct buf *b, const struct veth *v)
{
        const struct ifinfomsg header = {};
        size_t data = netlink_nest(b, IFLA_INFO_DATA), peer = b->len;

        netlink_add(b, VETH_INFO_PEER, &header, sizeof header);
        netlink_add_str(b, IFLA_IFNAME, v->peer);
        netlink_add_u32(b, IFLA_NET_NS_FD, (uint32_t)v->netns);
        if (v->peer_mac)
                netlink_add(b, IFLA_ADDRESS, v->peer_mac, MAC_SIZE);
        if (v->mtu)
                netlink_add_u32(b, IFLA_MTU, v->mtu);
        netlink_nest_end(b, peer);
        netlink_nest_end(b, data);
}

int link_make_veth(struct netlink *n, const struct veth *v, struct error *err)
{
        const struct ifinfomsg header = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
        own_buf struct buf b = {};
        size_t at, info;

        at = netlink_begin(n, &b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
        netlink_add_str(&b, IFLA_IFNAME, v->name);
        netlink_add_u32(&b, IFLA_MASTER, v->master);
        if (v->mtu)
                netlink_add_u32(&b, IFLA_MTU, v->mtu);
        info = netlink_nest(&b, IFLA_LINKINFO);
        netlink_add_str(&b, IFLA_INFO_KIND, "veth");
        add_peer(&b, v);
        netlink_nest_end(&b, info);
        netlink_end(&b, at);
        return netlink_talk(n, &b, err) < 0 ? error_wrap(err, "make the interface %s", v->peer) : 0;
}

int link_set_port(struct netlink *n, const char *name, uint16_t what, struct error *err)
{
        struct ifinfomsg header = { .ifi_family = AF_BRIDGE, .ifi_index = link_index(n, name, err) };
        own_buf struct buf b = {};
        size_t at, port;

        if (header.ifi_index < 0)
                return header.ifi_index;
        at = netlink_begin(n, &b, RTM_SETLINK, NLM_F_ACK, &header, sizeof header);
        port = netlink_nest(&b, IFLA_PROTINFO);
        netlink_add_u8(&b, what, 1);
        netlink_nest_end(&b, port);
        netlink_end(&b, at);
        return netlink_talk(n, &b, err) < 0 ? error_wrap(err, "set up the interface %s", name) : 0;
}

int link_remove(struct netlink *n, const char *name, struct error *err)
{
        const struct ifinfomsg header = {};
        own_buf struct buf b = {};
        size_t at = netlink_begin(n, &b, RTM_DELLINK, NLM_F_ACK, &header, sizeof header);
        int r;

        netlink_add_str(&b, IFLA_IFNAME, name);
        netlink_end(&b, at);
        r = netlink_talk(n, &b, err);
        return r == -ENODEV ? 0 : r < 0 ? error_wrap(err, "remove the interface %s", name) : 0;
}

/* ---- batches ---- */

void link_add_up(struct netlink *n, struct buf *b, unsigned index, bool last)
{
        const struct ifinfomsg header = { .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

        netlink_end(b, netlink_begin(n, b, RTM_NEWLINK, last ? NLM_F_ACK : 0, &header, sizeof header));
}

void link_add_down(struct netlink *n, struct buf *b, unsigned index, bool last)
{
        const struct ifinfomsg header = { .ifi_index = (int)index, .ifi_change = IFF_UP };

        netlink_end(b, netlink_begin(n, b, RTM_NEWLINK, last ? NLM_F_ACK : 0, &header, sizeof header));
}

void link_add_setup(struct netlink *n, struct buf *b, unsigned index, const struct link_setup *s, bool last)
{
        const struct ifinfomsg header = { .ifi_index = (int)index };
        size_t at = netlink_begin(n, b, RTM_NEWLINK, last ? NLM_F_ACK : 0, &header, sizeof header);

        if (s->name)
                netlink_add_str(b, IFLA_IFNAME, s->name);
        if (s->mac)
                netlink_add(b, IFLA_ADDRESS, s->mac, MAC_SIZE);
        if (s->mtu)
                netlink_add_u32(b, IFLA_MTU, s->mtu);
        netlink_end(b, at);
}

void link_add_address(struct netlink *n, struct buf *b, unsigned index, const struct ip *ip, unsigned bits, bool last)
{
        const struct ifaddrmsg header = { .ifa_family = (uint8_t)ip->family,
                                          .ifa_prefixlen = (uint8_t)bits,
                                          .ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD,
                                          .ifa_index = index };
        size_t at = netlink_begin(n, b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE | (last ? NLM_F_ACK : 0), &header,
                                  sizeof header);
        uint8_t broadcast[4];

        netlink_add(b, IFA_LOCAL, ip->bytes, ip_size(ip));
        netlink_add(b, IFA_ADDRESS, ip->bytes, ip_size(ip));
        if (ip->family == AF_INET && bits < 31) {
                for (unsigned i = 0; i < 4; i++)
                        broadcast[i] = ip->bytes[i] |
                                       (uint8_t)(bits >= i * 8 + 8 ? 0 : 0xff >> (bits > i * 8 ? bits - i * 8 : 0));
                netlink_add(b, IFA_BROADCAST, broadcast, sizeof broadcast);
        }
        netlink_end(b, at);
}

void link_add_route(struct netlink *n, struct buf *b, unsigned index, const struct subnet *to, const struct ip *gateway,
                    unsigned metric, bool last)
{
        const struct rtmsg header = { .rtm_family = (uint8_t)(to ? to->ip.family : gateway->family),
                                      .rtm_dst_len = (uint8_t)(to ? to->bits : 0),
                                      .rtm_table = RT_TABLE_MAIN,
                                      .rtm_protocol = RTPROT_STATIC,
                                      .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                                      .rtm_type = RTN_UNICAST };
        size_t at = netlink_begin(n, b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | (last ? NLM_F_ACK : 0), &header,
                                  sizeof header);

        if (to)
                netlink_add(b, RTA_DST, to->ip.bytes, ip_size(&to->ip));
        if (gateway)
                netlink_add(b, RTA_GATEWAY, gateway->bytes, ip_size(gateway));
        if (metric)
                netlink_add_u32(b, RTA_PRIORITY, metric);
        netlink_add_u32(b, RTA_OIF, index);
        netlink_end(b, at);
}

/* ---- what is in use ---- */

struct subnets {
        int (*each)(void *userdata, const struct subnet *s);
        void *userdata;
        unsigned except;
        int found;
};

static void tell(struct subnets *s, int family, unsigned bits, const struct nlattr *address)
{
        struct subnet found = { .ip.family = family, .bits = bits };
        char text[SUBNET_TEXT_MAX];

        if (!address || netlink_len(address) != ip_size(&found.ip) || s->found)
                return;
        memcpy(found.ip.bytes, netlink_data(address), netlink_len(address));
        /* An address is not the first of its network. */
        if (subnet_parse(subnet_format(&found, text), &found, NULL) == 0)
                s->found = s->each(s->userdata, &found);
}

static int see_address(void *userdata, const struct nlmsghdr *m)
{
        const struct subnets *s = userdata;
        struct ifaddrmsg header;

        if (m->nlmsg_type != RTM_NEWADDR)
                return 0;
        memcpy(&header, NLMSG_DATA(m), sizeof header);
        if (!s->except || header.ifa_index != s->except)
                tell(userdata, header.ifa_family, header.ifa_prefixlen, netlink_find(m, sizeof header, IFA_ADDRESS));
        return 0;
}

static int see_route(void *userdata, const struct nlmsghdr *m)
{
        struct rtmsg header;

        if (m->nlmsg_type != RTM_NEWROUTE)
                return 0;
        memcpy(&header, NLMSG_DATA(m), sizeof header);
        if (header.rtm_dst_len && header.rtm_type != RTN_MULTICAST)
                tell(userdata, header.rtm_family, header.rtm_dst_len, netlink_find(m, sizeof header, RTA_DST));
        return 0;
}

int link_each_address(struct netlink *n, unsigned except, int (*each)(void *userdata, const struct subnet *s),
                      void *userdata, struct error *err)
{
        const struct ifaddrmsg addresses = {};
        struct subnets s = { .each = each, .userdata = userdata, .except = except };
        own_buf struct buf b = {};
        int r;

        netlink_end(&b, netlink_begin(n, &b, RTM_GETADDR, NLM_F_DUMP, &addresses, sizeof addresses));
        r = netlink_ask(n, &b, see_address, &s, err);
        return r < 0 ? error_wrap(err, "list addresses") : s.found;
}

int link_each_subnet(struct netlink *n, int (*each)(void *userdata, const struct subnet *s), void *userdata,
                     struct error *err)
{
        const struct ifaddrmsg addresses = {};
        const struct rtmsg routes = {};
        struct subnets s = { .each = each, .userdata = userdata };
        own_buf struct buf b = {};
        int r;

        netlink_end(&b, netlink_begin(n, &b, RTM_GETADDR, NLM_F_DUMP, &addresses, sizeof addresses));
        r = netlink_ask(n, &b, see_address, &s, err);
        if (r == 0) {
                netlink_end(&b, netlink_begin(n, &b, RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof routes));
                r = netlink_ask(n, &b, see_route, &s, err);
        }
        return r < 0 ? error_wrap(err, "list addresses and routes") : s.found;
}

/* ---- taking addresses away ---- */

struct search {
        unsigned index;
        struct ifaddrmsg header;
        struct ip ip; /* family 0: none was found yet */
};

static int find_address(void *userdata, const struct nlmsghdr *m)
{
        const struct nlattr *address = netlink_find(m, sizeof(struct ifaddrmsg), IFA_LOCAL);
        struct search *s = userdata;
        struct ifaddrmsg header;

        if (m->nlmsg_type != RTM_NEWADDR || s->ip.family)
                return 0;
        memcpy(&header, NLMSG_DATA(m), sizeof header);
        if (!address)
                address = netlink_find(m, sizeof header, IFA_ADDRESS);
        if (header.ifa_index != s->index || !address || netlink_len(address) > sizeof s->ip.bytes)
                return 0;
        s->header = header;
        s->ip.family = header.ifa_family;
        memcpy(s->ip.bytes, netlink_data(address), netlink_len(address));
        return 0;
}

/* 1: there may be more. With the first of a network go others. */
static int remove_first(struct netlink *n, unsigned index, struct error *err)
{
        const struct ifaddrmsg all = {};
        struct search s = { .index = index };
        own_buf struct buf b = {};
        size_t at;
        int r;

        netlink_end(&b, netlink_begin(n, &b, RTM_GETADDR, NLM_F_DUMP, &all, sizeof all));
        r = netlink_ask(n, &b, find_address, &s, err);
        if (r < 0 || !s.ip.family)
                return r;
        at = netlink_begin(n, &b, RTM_DELADDR, NLM_F_ACK, &s.header, sizeof s.header);
        netlink_add(&b, IFA_LOCAL, s.ip.bytes, ip_size(&s.ip));
        netlink_end(&b, at);
        r = netlink_talk(n, &b, err);
        return r < 0 ? r : 1;
}

int link_clear_addresses(struct netlink *n, unsigned index, struct error *err)
{
        int r;

        do
                r = remove_first(n, index, err);
        while (r > 0);
        return r;
}
