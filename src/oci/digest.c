/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

/* The number of hexadecimal digits that the algorithm has, or 0. *ret: behind its colon. */
static size_t digits_of(const char *text, const char **ret)
{
        static const struct {
                const char *prefix;
                size_t digits;
        } algorithms[] = { { "sha256:", 64 }, { "sha512:", 128 } };

        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
                size_t n = strlen(algorithms[i].prefix);

                if (strncmp(text, algorithms[i].prefix, n) != 0)
                        continue;
                *ret = text + n;
                return algorithms[i].digits;
        }
        return 0;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
        const char *hex = NULL;
        size_t digits = digits_of(text, &hex);

        if (!digits || strlen(hex) != digits || strspn(hex, "0123456789abcdef") != digits)
                return error_set(err, EINVAL, "\"%.150s\" is no sha256 or sha512 digest", text);
        snprintf(ret->text, sizeof ret->text, "%s", text);
        return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
        return strcmp(a->text, b->text) == 0;
}

const char *digest_hex(const struct digest *d)
{
        const char *colon = strchr(d->text, ':');

        return colon ? colon + 1 : d->text;
}

void digest_end(struct sha256 *h, struct digest *ret)
{
        unsigned char bytes[SHA256_SIZE];
        char hex[SHA256_HEX];

        sha256_end(h, bytes);
        sha256_hex(bytes, hex);
        snprintf(ret->text, sizeof ret->text, "sha256:%s", hex);
}

void digest_of_bytes(const void *data, size_t n, struct digest *ret)
{
        struct sha256 h;

        sha256_init(&h);
        sha256_add(&h, data, n);
        digest_end(&h, ret);
}
