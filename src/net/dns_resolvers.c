/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_resolvers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { MAX_FILE = 64 << 10, MAX_ADDRESS = INET6_ADDRSTRLEN + IF_NAMESIZE + 1 };

void dns_resolvers_add(struct dns_resolvers *r, const char *text)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT) };
        struct dns_resolver *to = &r->v[r->n];
        char address[MAX_ADDRESS], *zone;

        if (r->n == DNS_RESOLVERS_MAX || snprintf(address, sizeof address, "%s", text) >= (int)sizeof address)
                return;
        zone = strchr(address, '%');
        if (zone) {
                *zone = '\0';
                v6.sin6_scope_id = if_nametoindex(zone + 1);
        }
        if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
                memcpy(&to->address, &v4, sizeof v4);
                to->len = sizeof v4;
                r->n++;
        } else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
                memcpy(&to->address, &v6, sizeof v6);
                to->len = sizeof v6;
                r->n++;
        }
}

void dns_resolvers_parse(struct dns_resolvers *r, const char *text)
{
        static const char word[] = "nameserver", blank[] = " \t";

        *r = (struct dns_resolvers){};
        while (*text) {
                size_t len = strcspn(text, "\n");
                const char *at = text + sizeof word - 1;
                char address[MAX_ADDRESS];

                if (len > sizeof word && strncmp(text, word, sizeof word - 1) == 0 && strchr(blank, *at)) {
                        at += strspn(at, blank);
                        snprintf(address, sizeof address, "%.*s", (int)strcspn(at, " \t\n#;"), at);
                        dns_resolvers_add(r, address);
                }
                text += len + (text[len] == '\n');
        }
        /* What the C library does then. */
        if (!r->n)
                dns_resolvers_add(r, "127.0.0.1");
}

const struct dns_resolvers *dns_host_resolvers(struct dns_host_resolvers *h)
{
        own_buf struct buf text = {};
        own_fd int fd = -1;
        struct stat st;

        if (stat("/etc/resolv.conf", &st) == 0 && st.st_ino == h->inode && st.st_mtim.tv_sec == h->changed.tv_sec &&
            st.st_mtim.tv_nsec == h->changed.tv_nsec)
                return &h->list;
        fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) == 0) {
                h->inode = st.st_ino;
                h->changed = st.st_mtim;
        }
        if (fd >= 0)
                fd_read_all(fd, MAX_FILE, &text);
        dns_resolvers_parse(&h->list, buf_str(&text));
        return &h->list;
}
