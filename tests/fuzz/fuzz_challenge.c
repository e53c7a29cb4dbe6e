/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate: what is taken out of it can stand in a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem char *header = size ? strndup((const char *)data, size) : strdup("");
        own_challenge struct challenge c = {};
        struct error err = {};

        if (challenge_read(header, &c, &err) < 0) {
                if (!*err.text)
                        abort();
                return 0;
        }
        if (c.bearer && (!c.realm || strpbrk(c.realm, "\r\n")))
                abort();
        return 0;
}
