/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the host asks: resolv.conf(5). */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/buf.h"

enum { DNS_RESOLVERS_MAX = 3, DNS_PORT = 53 };

struct dns_resolver {
        struct sockaddr_storage address;
        socklen_t len;
};

struct dns_resolvers {
        struct dns_resolver v[DNS_RESOLVERS_MAX];
        size_t n;
};

/* An address as it stands behind "nameserver"; what is none is passed over, as is what there is no more room for. */
void dns_resolvers_add(struct dns_resolvers *r, const char *text);

/* The host's own, read again when the file has changed. */
struct dns_host_resolvers {
        struct dns_resolvers list;
        struct timespec changed;
        ino_t inode;
};

const struct dns_resolvers *dns_host_resolvers(struct dns_host_resolvers *h);

/* The text of a resolv.conf; exposed for tests. */
void dns_resolvers_parse(struct dns_resolvers *r, const char *text);
