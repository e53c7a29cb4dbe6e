/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_hex(const char *s, size_t n)
{
        return strspn(s, "0123456789abcdef") == n && s[n] == '\0';
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
        bool good = (strncmp(text, "sha256:", 7) == 0 && is_hex(text + 7, 64)) ||
                    (strncmp(text, "sha512:", 7) == 0 && is_hex(text + 7, 128));

        if (!good)
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
