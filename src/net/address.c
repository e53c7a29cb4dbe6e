/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

size_t ip_size(const struct ip *ip)
{
        return ip->family == AF_INET ? 4 : ip->family == AF_INET6 ? 16 : 0;
}

bool ip_parse(const char *text, struct ip *ret)
{
        struct ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

        if (inet_pton(ip.family, text, ip.bytes) != 1)
                return false;
        *ret = ip;
        return true;
}

const char *ip_format(const struct ip *ip, char ret[IP_TEXT_MAX])
{
        if (!ip->family || !inet_ntop(ip->family, ip->bytes, ret, IP_TEXT_MAX))
                *ret = '\0';
        return ret;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
        return a->family == b->family && memcmp(a->bytes, b->bytes, ip_size(a)) == 0;
}

bool ip_is_any(const struct ip *ip)
{
        static const uint8_t zeros[16];

        return memcmp(ip->bytes, zeros, ip_size(ip)) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
        static const uint8_t one[16] = { [15] = 1 };

        return ip->family == AF_INET ? ip->bytes[0] == 127
                                     : ip->family == AF_INET6 && memcmp(ip->bytes, one, sizeof one) == 0;
}

/* ---- subnets ---- */

static void cut(struct ip *ip, unsigned bits)
{
        for (unsigned i = 0; i < ip_size(ip); i++, bits -= bits < 8 ? bits : 8)
                ip->bytes[i] &= (uint8_t)(bits >= 8 ? 0xff : 0xff << (8 - bits));
}

int subnet_parse(const char *text, struct subnet *ret, struct error *err)
{
        char address[IP_TEXT_MAX];
        const char *slash = strchr(text, '/');
        struct subnet s = {};
        uint32_t bits;

        if (!slash || slash - text >= IP_TEXT_MAX)
                return error_set(err, EINVAL, "\"%s\" is no subnet such as 10.5.0.0/24", text);
        snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
        if (!ip_parse(address, &s.ip) || parse_u32(slash + 1, 10, &bits) < 0 || bits > ip_size(&s.ip) * 8)
                return error_set(err, EINVAL, "\"%s\" is no subnet such as 10.5.0.0/24", text);
        s.bits = bits;
        cut(&s.ip, bits);
        *ret = s;
        return 0;
}

const char *subnet_format(const struct subnet *s, char ret[SUBNET_TEXT_MAX])
{
        char text[IP_TEXT_MAX];

        snprintf(ret, SUBNET_TEXT_MAX, "%s/%u", ip_format(&s->ip, text), s->bits);
        return ret;
}

bool subnet_contains(const struct subnet *s, const struct ip *ip)
{
        struct ip first = *ip;

        cut(&first, s->bits);
        return ip_equal(&first, &s->ip);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
        return a->bits < b->bits ? subnet_contains(a, &b->ip) : subnet_contains(b, &a->ip);
}

uint64_t subnet_size(const struct subnet *s)
{
        unsigned bits = (unsigned)ip_size(&s->ip) * 8 - s->bits;

        return 1ULL << (bits > 32 ? 32 : bits);
}

struct ip subnet_address(const struct subnet *s, uint64_t n)
{
        struct ip ip = s->ip;

        for (size_t i = ip_size(&ip); n && i > 0; n >>= 8)
                ip.bytes[--i] |= (uint8_t)n;
        return ip;
}

uint64_t subnet_index(const struct subnet *s, const struct ip *ip)
{
        uint64_t n = 0;

        for (size_t i = 0; i < ip_size(ip); i++) {
                if (n >> 24)
                        return UINT64_MAX;
                n = n << 8 | (ip->bytes[i] ^ s->ip.bytes[i]);
        }
        return n;
}

/* ---- hardware addresses ---- */

bool mac_parse(const char *text, uint8_t ret[MAC_SIZE])
{
        uint8_t mac[MAC_SIZE];

        for (size_t i = 0; i < MAC_SIZE; i++, text += 3) {
                int high = parse_digit(text[0]), low = high < 16 ? parse_digit(text[1]) : 99;

                if (high > 15 || low > 15 || text[2] != (i + 1 < MAC_SIZE ? ':' : '\0'))
                        return false;
                mac[i] = (uint8_t)(high << 4 | low);
        }
        /* Of a group, and none. */
        if (mac[0] & 1 || memcmp(mac, (uint8_t[MAC_SIZE]){}, MAC_SIZE) == 0)
                return false;
        memcpy(ret, mac, MAC_SIZE);
        return true;
}

const char *mac_format(const uint8_t mac[MAC_SIZE], char ret[MAC_TEXT_MAX])
{
        snprintf(ret, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
        return ret;
}

void mac_of_address(const struct ip *ip, uint8_t ret[MAC_SIZE])
{
        ret[0] = 0x02;
        ret[1] = 0x42;
        memcpy(ret + 2, ip->bytes, 4);
}
