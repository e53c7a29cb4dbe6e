/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses of both families, and networks of them ("10.112.0.0/16"). */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ip {
        int family; /* AF_INET, AF_INET6; 0: none */
        uint8_t bytes[16];
};

struct subnet {
        struct ip ip; /* its first address */
        unsigned bits;
};

enum { IP_TEXT_MAX = INET6_ADDRSTRLEN, SUBNET_TEXT_MAX = INET6_ADDRSTRLEN + 4, MAC_SIZE = 6, MAC_TEXT_MAX = 18 };

/* Numbers only; false: it is none. */
bool ip_parse(const char *text, struct ip *ret);
const char *ip_format(const struct ip *ip, char ret[IP_TEXT_MAX]);
size_t ip_size(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
bool ip_is_loopback(const struct ip *ip);
bool ip_is_any(const struct ip *ip);

/* "ADDRESS/BITS"; what the address has beyond the bits is cut off. -EINVAL. */
int subnet_parse(const char *text, struct subnet *ret, struct error *err);
const char *subnet_format(const struct subnet *s, char ret[SUBNET_TEXT_MAX]);
bool subnet_contains(const struct subnet *s, const struct ip *ip);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

/* How many addresses it has; 2^32 of those that have more. */
uint64_t subnet_size(const struct subnet *s);
/* Its n-th address, and which one an address of it is (UINT64_MAX: beyond 2^32). */
struct ip subnet_address(const struct subnet *s, uint64_t n);
uint64_t subnet_index(const struct subnet *s, const struct ip *ip);

/* "02:42:0a:70:00:02". */
bool mac_parse(const char *text, uint8_t ret[MAC_SIZE]);
const char *mac_format(const uint8_t mac[MAC_SIZE], char ret[MAC_TEXT_MAX]);
/* Docker's: the same for the same IPv4 address, so that a neighbour's memory of it stays right. */
void mac_of_address(const struct ip *ip, uint8_t ret[MAC_SIZE]);
