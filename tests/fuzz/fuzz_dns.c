/* SPDX-License-Identifier: Apache-2.0 */
/* Queries as strangers send them: what is answered is a message that says the same question. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const uint8_t *query, size_t size, const struct dns_question *q)
{
        const struct ip v4 = { .family = AF_INET, .bytes = { 10, 1, 2, 3 } }, v6 = { .family = AF_INET6 };
        uint8_t room[DNS_UDP_SIZE * 2];
        struct dns_answer a;
        struct dns_question again;

        if (q->end > size || q->udp_size < DNS_UDP_SIZE)
                abort();
        dns_answer_begin(&a, room, DNS_UDP_SIZE, query, q, DNS_OK, true);
        for (int i = 0; i < 40; i++) {
                dns_answer_add_address(&a, &v4);
                dns_answer_add_address(&a, &v6);
                dns_answer_add_name(&a, q->name);
        }
        dns_answer_end(&a, q);
        if (a.len > DNS_UDP_SIZE || !a.truncated || !dns_is_answer(room, a.len, query, q))
                abort();
        /* It is no query. */
        if (dns_question_read(room, a.len, &again) >= 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct dns_question q;
        struct ip ip;
        int code = dns_question_read(data, size, &q);
        uint8_t error[DNS_HEADER_SIZE];

        if (code > 0 && dns_answer_error(error, data, (enum dns_code)code) != sizeof error)
                abort();
        if (code != DNS_OK)
                return 0;
        if (strlen(q.name) >= DNS_NAME_MAX)
                abort();
        if (dns_reverse_parse(q.name, &ip) && !ip_size(&ip))
                abort();
        answer(data, size, &q);
        return 0;
}
