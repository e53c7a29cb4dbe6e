/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that holt-dns knows: those in RUN/endpoints, read again when they have changed, and not before somebody
 * asks.
 */
#pragma once

#include "net/dns_message.h"
#include "net/endpoint.h"

struct dns_names {
        int dir;   /* RUN/endpoints */
        int watch; /* inotify */
        struct endpoint *endpoints;
        size_t n, cap;
};

int dns_names_open(struct dns_names *d, int dir, struct error *err);
void dns_names_close(struct dns_names *d);

/* Who asks: by the bridge the question came over, and its address. NULL: nobody. */
const struct endpoint *dns_names_client(struct dns_names *d, const char *bridge, const struct ip *ip);

/* Whether anybody could ask. Looks at the directory itself. */
bool dns_names_any(const struct dns_names *d);

enum dns_found { DNS_FOUND, DNS_NOT_OURS };

/*
 * Answers if the name (or for PTR the address) is one on a network of the client: then the answer is complete, but for
 * its end. DNS_NOT_OURS: others have to be asked.
 */
enum dns_found dns_names_answer(const struct dns_names *d, const struct endpoint *client, const struct dns_question *q,
                                struct dns_answer *a);
