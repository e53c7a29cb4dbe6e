/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of nftables' sets over netlink (linux/netfilter/nf_tables.h), in the kernel's transactions. */
#include "net/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/netlink.h"

enum { MAX_KEY = 40, SMALL_BATCH = 64 << 10 };

static size_t begin(struct firewall_batch *b, struct buf *m, uint16_t type, uint16_t flags, uint8_t family,
                    uint16_t resource)
{
        const struct nfgenmsg header = { .nfgen_family = family, .res_id = htons(resource) };

        return netlink_begin(&b->netlink, m, type, flags, &header, sizeof header);
}

static void begin_batch(struct firewall_batch *b)
{
        netlink_end(&b->messages, begin(b, &b->messages, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

int firewall_batch_open(struct firewall_batch *b, bool removes, struct error *err)
{
        *b = (struct firewall_batch){ .removes = removes };
        return netlink_open(NETLINK_NETFILTER, &b->netlink, err);
}

void firewall_batch_finish(struct firewall_batch *b)
{
        netlink_close(&b->netlink);
        buf_finish(&b->messages);
}

static uint16_t message_type(uint16_t type)
{
        return NFNL_SUBSYS_NFTABLES << 8 | type;
}

static void add_value(struct buf *b, uint16_t type, const void *value, size_t len)
{
        size_t at = netlink_nest(b, type);

        netlink_add(b, NFTA_DATA_VALUE, value, len);
        netlink_nest_end(b, at);
}

struct element {
        const void *key, *end; /* end: of an interval; NULL */
        size_t key_len;
        const void *data; /* of a map; NULL */
        size_t data_len;
};

/* One element a message: each is answered for itself. */
static void add(struct firewall_batch *b, const char *set, const struct element *e)
{
        struct buf *m = &b->messages;
        size_t at, list, element;

        if (!m->len)
                begin_batch(b);
        at = begin(b, m, message_type(b->removes ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM),
                   b->removes ? 0 : NLM_F_CREATE, NFPROTO_INET, 0);
        netlink_add_str(m, NFTA_SET_ELEM_LIST_TABLE, "holt");
        netlink_add_str(m, NFTA_SET_ELEM_LIST_SET, set);
        list = netlink_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS);
        element = netlink_nest(m, NFTA_LIST_ELEM);
        add_value(m, NFTA_SET_ELEM_KEY, e->key, e->key_len);
        if (e->end)
                add_value(m, NFTA_SET_ELEM_KEY_END, e->end, e->key_len);
        if (e->data && !b->removes)
                add_value(m, NFTA_SET_ELEM_DATA, e->data, e->data_len);
        netlink_nest_end(m, element);
        netlink_nest_end(m, list);
        netlink_end(m, at);
}

enum { PAIR_SIZE = 2 * IFNAMSIZ };

static void make_pair(const char *interface, const char *other, char ret[PAIR_SIZE])
{
        memset(ret, 0, PAIR_SIZE);
        strncpy(ret, interface, IFNAMSIZ - 1);
        strncpy(ret + IFNAMSIZ, other, IFNAMSIZ - 1);
}

void firewall_add_pair(struct firewall_batch *b, const char *set, const char *interface, const char *other)
{
        char key[PAIR_SIZE];

        make_pair(interface, other, key);
        add(b, set, &(struct element){ .key = key, .key_len = sizeof key });
}

void firewall_add_interface(struct firewall_batch *b, const char *set, const char *interface)
{
        char key[IFNAMSIZ] = {};

        strncpy(key, interface, IFNAMSIZ - 1);
        add(b, set, &(struct element){ .key = key, .key_len = sizeof key });
}

/* Each part of a key takes a multiple of four bytes. */
static size_t put(uint8_t *at, size_t len, const void *part, size_t size)
{
        memcpy(at + len, part, size);
        return len + ((size + 3) & ~(size_t)3);
}

void firewall_add_subnet(struct firewall_batch *b, const struct subnet *s, const char *interface)
{
        uint8_t first[MAX_KEY] = {}, last[MAX_KEY] = {};
        char name[IFNAMSIZ] = {};
        struct ip end = s->ip;
        size_t len;

        for (unsigned bit = s->bits; bit < ip_size(&end) * 8; bit++)
                end.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        strncpy(name, interface, IFNAMSIZ - 1);
        len = put(first, put(first, 0, s->ip.bytes, ip_size(&s->ip)), name, sizeof name);
        put(last, put(last, 0, end.bytes, ip_size(&end)), name, sizeof name);
        add(b, end.family == AF_INET ? "near4" : "near6",
            &(struct element){ .key = first, .end = last, .key_len = len });
}

void firewall_add_port(struct firewall_batch *b, const struct endpoint_port *p, const struct ip *to)
{
        static const char *const sets[2][2] = { { "published4", "published4_at" }, { "published6", "published6_at" } };
        uint8_t key[MAX_KEY] = {}, data[MAX_KEY] = {};
        uint16_t host_port = htons(p->host_port), port = htons(p->port);
        bool at_one = p->host.family && !ip_is_any(&p->host);
        size_t len = 0, data_len;

        if (!to->family || (p->host.family && p->host.family != to->family))
                return;
        if (at_one)
                len = put(key, len, p->host.bytes, ip_size(&p->host));
        len = put(key, len, &p->protocol, sizeof p->protocol);
        len = put(key, len, &host_port, sizeof host_port);
        data_len = put(data, 0, to->bytes, ip_size(to));
        data_len = put(data, data_len, &port, sizeof port);
        add(b, sets[to->family == AF_INET6][at_one],
            &(struct element){ .key = key, .key_len = len, .data = data, .data_len = data_len });
}

/* The last element's message asks for the answer; returns its number. */
static uint32_t ask_answer(struct buf *m)
{
        struct nlmsghdr *h = NULL;

        for (size_t at = 0; at < m->len; at += NLMSG_ALIGN(h->nlmsg_len))
                h = (struct nlmsghdr *)(void *)(m->data + at);
        if (!h)
                return 0;
        h->nlmsg_flags |= NLM_F_ACK;
        return h->nlmsg_seq;
}

int firewall_batch_commit(struct firewall_batch *b, struct error *err)
{
        struct netlink answered = b->netlink;
        int room;

        if (!b->messages.len)
                return 0;
        if (buf_failed(&b->messages))
                return error_set(err, ENOMEM, "out of memory");
        answered.seq = ask_answer(&b->messages);
        netlink_end(&b->messages, begin(b, &b->messages, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
        room = (int)b->messages.len * 2;
        if (room > SMALL_BATCH && setsockopt(b->netlink.fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
                return error_errno(err, errno, "make room for the firewall's rules");
        return netlink_talk(&answered, &b->messages, err);
}

/* ---- questions ---- */

static int take_generation(void *userdata, const struct nlmsghdr *m)
{
        *(uint32_t *)userdata = ntohl(netlink_u32(netlink_find(m, sizeof(struct nfgenmsg), NFTA_GEN_ID)));
        return 0;
}

int firewall_generation(struct firewall_batch *b, uint32_t *ret, struct error *err)
{
        own_buf struct buf m = {};

        netlink_end(&m, begin(b, &m, message_type(NFT_MSG_GETGEN), NLM_F_ACK, AF_UNSPEC, 0));
        return netlink_ask(&b->netlink, &m, take_generation, ret, err);
}

int firewall_has_pair(struct firewall_batch *b, const char *set, const char *interface, const char *other,
                      struct error *err)
{
        own_buf struct buf m = {};
        size_t at = begin(b, &m, message_type(NFT_MSG_GETSETELEM), NLM_F_ACK, NFPROTO_INET, 0), list, element;
        char key[PAIR_SIZE];
        int r;

        make_pair(interface, other, key);
        netlink_add_str(&m, NFTA_SET_ELEM_LIST_TABLE, "holt");
        netlink_add_str(&m, NFTA_SET_ELEM_LIST_SET, set);
        list = netlink_nest(&m, NFTA_SET_ELEM_LIST_ELEMENTS);
        element = netlink_nest(&m, NFTA_LIST_ELEM);
        add_value(&m, NFTA_SET_ELEM_KEY, key, sizeof key);
        netlink_nest_end(&m, element);
        netlink_nest_end(&m, list);
        netlink_end(&m, at);
        r = netlink_ask(&b->netlink, &m, NULL, NULL, err);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int firewall_has(struct firewall_batch *b, int family, const char *table, const char *chain, struct error *err)
{
        own_buf struct buf m = {};
        size_t at = begin(b, &m, message_type(NFT_MSG_GETCHAIN), NLM_F_ACK, (uint8_t)family, 0);
        int r;

        netlink_add_str(&m, NFTA_CHAIN_TABLE, table);
        netlink_add_str(&m, NFTA_CHAIN_NAME, chain);
        netlink_end(&m, at);
        r = netlink_ask(&b->netlink, &m, NULL, NULL, err);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}
