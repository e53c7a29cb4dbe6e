/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink (netlink(7)): messages are built one behind the other in a buffer, sent at once, and answered with one
 * acknowledgement or the first error. No library: Debian has none of libmnl's that could be linked statically, and
 * what is needed of it is this.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct netlink {
        int fd;
        uint32_t seq; /* of the message begun last */
};

#define own_netlink __attribute__((cleanup(netlink_close)))

/* protocol: NETLINK_ROUTE ...; the socket belongs to the network namespace in which it is made. */
int netlink_open(int protocol, struct netlink *ret, struct error *err);
void netlink_close(struct netlink *n);

/* Begins a message with its fixed part; NLM_F_REQUEST is added to the flags. Returns what the end wants. */
size_t netlink_begin(struct netlink *n, struct buf *b, uint16_t type, uint16_t flags, const void *header, size_t len);
void netlink_end(struct buf *b, size_t at);

void netlink_add(struct buf *b, uint16_t type, const void *data, size_t len);
void netlink_add_u8(struct buf *b, uint16_t type, uint8_t v);
void netlink_add_u32(struct buf *b, uint16_t type, uint32_t v);
void netlink_add_str(struct buf *b, uint16_t type, const char *s); /* with its NUL */

/* Attributes up to the end stand inside this one. */
size_t netlink_nest(struct buf *b, uint16_t type);
void netlink_nest_end(struct buf *b, size_t at);

/*
 * Sends all messages of the buffer and empties it. The last one must have been begun with NLM_F_ACK, the others
 * without: an error is always told, and the first one is the result (-errno, with the kernel's own words in *err where
 * it has some). The kernel goes on behind a failed message, unless it reads them as a transaction (nftables).
 */
int netlink_talk(struct netlink *n, struct buf *b, struct error *err);

/*
 * Sends the one message of the buffer, empties it, and calls each() for every answer until the acknowledgement
 * (NLM_F_ACK) or the end of a dump (NLM_F_DUMP). each() may be NULL; what it returns below 0 is the result, and the
 * rest is passed over.
 */
int netlink_ask(struct netlink *n, struct buf *b, int (*each)(void *userdata, const struct nlmsghdr *message),
                void *userdata, struct error *err);

/* --- answers --- */

/* The attribute of that type behind the fixed part of `header` bytes, or NULL. */
const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t header, uint16_t type);
const struct nlattr *netlink_find_nested(const struct nlattr *outer, uint16_t type);
const void *netlink_data(const struct nlattr *a);
size_t netlink_len(const struct nlattr *a);
/* 0 when it is NULL or too short. */
uint32_t netlink_u32(const struct nlattr *a);
