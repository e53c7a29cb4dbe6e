/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

/* Bits of bytes 2 and 3 of the header. */
enum { FLAG_RESPONSE = 0x80, FLAG_AUTHORITATIVE = 0x04, FLAG_TRUNCATED = 0x02, FLAG_RECURSION = 0x01 };
enum { FLAG_RECURSION_AVAILABLE = 0x80, OPCODE_MASK = 0x78 };
/* Where the counts stand. */
enum { COUNT_QUESTIONS = 4, COUNT_ANSWERS = 6, COUNT_AUTHORITIES = 8, COUNT_ADDITIONAL = 10 };
enum { CLASS_IN = 1, CLASS_ANY = 255, MAX_LABEL = 63, OPT_SIZE = 11, OWN_UDP_SIZE = 1232, TTL = 0 };

static uint16_t get16(const uint8_t *at)
{
        return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned v)
{
        at[0] = (uint8_t)(v >> 8);
        at[1] = (uint8_t)v;
}

/* ---- reading ---- */

static char plain(uint8_t c)
{
        if (c >= 'A' && c <= 'Z')
                return (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
                return (char)c;
        return '?';
}

/* The end of the name, or 0. Names in a question are never shortened by pointers. */
static size_t read_name(const uint8_t *message, size_t len, size_t at, char ret[DNS_NAME_MAX])
{
        size_t n = 0;

        for (;;) {
                size_t label;

                if (at >= len || message[at] > MAX_LABEL)
                        return 0;
                label = message[at++];
                if (!label)
                        break;
                if (label > len - at || n + label + 2 > DNS_NAME_MAX)
                        return 0;
                if (n)
                        ret[n++] = '.';
                for (; label; label--)
                        ret[n++] = plain(message[at++]);
        }
        ret[n] = '\0';
        return at;
}

/* What the asker takes stands in an OPT record, the only one that a query has behind its question. */
static void read_edns(const uint8_t *message, size_t len, struct dns_question *q)
{
        const uint8_t *at = message + q->end;

        q->udp_size = DNS_UDP_SIZE;
        if (!get16(message + COUNT_ADDITIONAL) || len - q->end < OPT_SIZE || at[0] != 0 || get16(at + 1) != DNS_OPT)
                return;
        q->is_edns = true;
        if (get16(at + 3) > DNS_UDP_SIZE)
                q->udp_size = get16(at + 3);
}

int dns_question_read(const uint8_t *message, size_t len, struct dns_question *ret)
{
        struct dns_question q = {};

        if (len < DNS_HEADER_SIZE || message[2] & FLAG_RESPONSE)
                return -EINVAL;
        if (message[2] & OPCODE_MASK)
                return DNS_NOT_KNOWN;
        if (get16(message + COUNT_QUESTIONS) != 1 || get16(message + COUNT_ANSWERS) ||
            get16(message + COUNT_AUTHORITIES))
                return DNS_FORMAT_ERROR;
        q.end = read_name(message, len, DNS_HEADER_SIZE, q.name);
        if (!q.end || len - q.end < 4)
                return DNS_FORMAT_ERROR;
        q.type = get16(message + q.end);
        q.class = get16(message + q.end + 2);
        q.end += 4;
        read_edns(message, len, &q);
        *ret = q;
        return DNS_OK;
}

bool dns_is_answer(const uint8_t *message, size_t len, const uint8_t *query, const struct dns_question *q)
{
        return len >= q->end && message[2] & FLAG_RESPONSE && memcmp(message, query, 2) == 0 &&
               get16(message + COUNT_QUESTIONS) == 1 &&
               memcmp(message + DNS_HEADER_SIZE, query + DNS_HEADER_SIZE, q->end - DNS_HEADER_SIZE) == 0;
}

/* Numbers below `limit` in front of the suffix, the last one first. */
static bool read_reverse(const char *name, unsigned base, size_t digits, size_t n, uint32_t *parts)
{
        char part[4];

        for (size_t i = n; i-- > 0;) {
                size_t len = strcspn(name, ".");

                if (!len || len > digits || (i && name[len] != '.'))
                        return false;
                snprintf(part, sizeof part, "%.*s", (int)len, name);
                if (parse_u32(part, base, &parts[i]) < 0 || parts[i] > 255)
                        return false;
                name += len + (i ? 1 : 0);
        }
        return !*name;
}

bool dns_reverse_parse(const char *name, struct ip *ret)
{
        static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa";
        char numbers[DNS_NAME_MAX];
        uint32_t parts[32];
        size_t len = strlen(name), suffix;
        bool is_v4 = len >= sizeof v4 && strcmp(name + len - (sizeof v4 - 1), v4) == 0;
        struct ip ip = { .family = is_v4 ? AF_INET : AF_INET6 };

        if (!is_v4 && (len < sizeof v6 || strcmp(name + len - (sizeof v6 - 1), v6) != 0))
                return false;
        suffix = is_v4 ? sizeof v4 - 1 : sizeof v6 - 1;
        snprintf(numbers, sizeof numbers, "%.*s", (int)(len - suffix), name);
        if (!read_reverse(numbers, is_v4 ? 10 : 16, is_v4 ? 3 : 1, is_v4 ? 4 : 32, parts))
                return false;
        for (size_t i = 0; i < ip_size(&ip); i++)
                ip.bytes[i] = (uint8_t)(is_v4 ? parts[i] : parts[i * 2] << 4 | parts[i * 2 + 1]);
        *ret = ip;
        return true;
}

/* ---- writing ---- */

void dns_answer_begin(struct dns_answer *a, uint8_t *data, size_t size, const uint8_t *query,
                      const struct dns_question *q, enum dns_code code, bool authoritative)
{
        memmove(data, query, q->end);
        data[2] = (uint8_t)(FLAG_RESPONSE | (authoritative ? FLAG_AUTHORITATIVE : 0) | (query[2] & FLAG_RECURSION));
        data[3] = (uint8_t)(FLAG_RECURSION_AVAILABLE | code);
        memset(data + COUNT_ANSWERS, 0, DNS_HEADER_SIZE - COUNT_ANSWERS);
        /* The last record's room is kept. */
        *a = (struct dns_answer){ .data = data, .len = q->end, .size = size - (q->is_edns ? OPT_SIZE : 0) };
}

/* A record of the question's name, whose data the caller fills in; NULL: there is no room. */
static uint8_t *add_record(struct dns_answer *a, enum dns_type type, size_t len)
{
        static const uint8_t pointer[2] = { 0xc0, DNS_HEADER_SIZE };
        uint8_t *at = a->data + a->len;

        if (a->truncated || a->size - a->len < 12 + len) {
                a->truncated = true;
                return NULL;
        }
        memcpy(at, pointer, sizeof pointer);
        put16(at + 2, type);
        put16(at + 4, CLASS_IN);
        put16(at + 6, TTL >> 16);
        put16(at + 8, TTL);
        put16(at + 10, (unsigned)len);
        a->len += 12 + len;
        a->count++;
        return at + 12;
}

void dns_answer_add_address(struct dns_answer *a, const struct ip *ip)
{
        uint8_t *at = add_record(a, ip->family == AF_INET ? DNS_A : DNS_AAAA, ip_size(ip));

        if (at)
                memcpy(at, ip->bytes, ip_size(ip));
}

/* Labels that DNS cannot have end the name. */
static size_t encode_name(const char *name, uint8_t ret[DNS_NAME_MAX])
{
        size_t n = 0;

        while (*name) {
                size_t len = strcspn(name, ".");

                if (!len || len > MAX_LABEL || n + len + 2 > DNS_NAME_MAX)
                        break;
                ret[n++] = (uint8_t)len;
                memcpy(ret + n, name, len);
                n += len;
                name += len + (name[len] == '.');
        }
        ret[n++] = 0;
        return n;
}

void dns_answer_add_name(struct dns_answer *a, const char *name)
{
        uint8_t encoded[DNS_NAME_MAX];
        size_t len = encode_name(name, encoded);
        uint8_t *at = add_record(a, DNS_PTR, len);

        if (at)
                memcpy(at, encoded, len);
}

void dns_answer_end(struct dns_answer *a, const struct dns_question *q)
{
        uint8_t *at = a->data + a->len;

        put16(a->data + COUNT_ANSWERS, a->count);
        if (a->truncated)
                a->data[2] |= FLAG_TRUNCATED;
        if (!q->is_edns)
                return;
        memset(at, 0, OPT_SIZE);
        put16(at + 1, DNS_OPT);
        put16(at + 3, OWN_UDP_SIZE);
        put16(a->data + COUNT_ADDITIONAL, 1);
        a->len += OPT_SIZE;
}

size_t dns_answer_error(uint8_t *data, const uint8_t *query, enum dns_code code)
{
        memmove(data, query, 2);
        data[2] = (uint8_t)(FLAG_RESPONSE | (query[2] & (OPCODE_MASK | FLAG_RECURSION)));
        data[3] = (uint8_t)code;
        memset(data + COUNT_QUESTIONS, 0, DNS_HEADER_SIZE - COUNT_QUESTIONS);
        return DNS_HEADER_SIZE;
}
