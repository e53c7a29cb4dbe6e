/* SPDX-License-Identifier: Apache-2.0 */
/* As much of DNS (RFC 1035, 6891) as a server needs that knows some names and passes the rest on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum {
        DNS_HEADER_SIZE = 12,
        DNS_NAME_MAX = 256,      /* as text, with its NUL */
        DNS_UDP_SIZE = 512,      /* without EDNS */
        DNS_MESSAGE_MAX = 65535, /* over TCP */
};

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };
enum dns_code {
        DNS_OK = 0,
        DNS_FORMAT_ERROR = 1,
        DNS_SERVER_FAILURE = 2,
        DNS_NO_NAME = 3,
        DNS_NOT_KNOWN = 4,
        DNS_REFUSED = 5
};

struct dns_question {
        char name[DNS_NAME_MAX]; /* lower case, without the last dot; bytes that are no letters, digits, "-_." are "?"
                                  */
        uint16_t type, class;
        size_t end;      /* of header and question in the message */
        size_t udp_size; /* the largest answer that the asker takes over UDP */
        bool is_edns;
};

/*
 * Reads a query: one question, no answers. Returns DNS_OK; another code is the answer. Negative: it is none, and is not
 * answered at all.
 */
int dns_question_read(const uint8_t *message, size_t len, struct dns_question *ret);

/* An answer is put together in a buffer of `size` bytes, with the query's header and question. */
struct dns_answer {
        uint8_t *data;
        size_t len, size;
        unsigned count;
        bool truncated;
};

/* data may be the query itself. */
void dns_answer_begin(struct dns_answer *a, uint8_t *data, size_t size, const uint8_t *query,
                      const struct dns_question *q, enum dns_code code, bool authoritative);
void dns_answer_add_address(struct dns_answer *a, const struct ip *ip);
void dns_answer_add_name(struct dns_answer *a, const char *name);
/* Counts, and what EDNS wants. */
void dns_answer_end(struct dns_answer *a, const struct dns_question *q);

/* An answer without a question that could be read: only the header. Returns its length. */
size_t dns_answer_error(uint8_t *data, const uint8_t *query, enum dns_code code);

/* Whether the message is an answer to that query: the same number and question. */
bool dns_is_answer(const uint8_t *message, size_t len, const uint8_t *query, const struct dns_question *q);

/* "5.0.112.10.in-addr.arpa" and its kin of IPv6; false: it is no such name. */
bool dns_reverse_parse(const char *name, struct ip *ret);
