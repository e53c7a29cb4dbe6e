/* SPDX-License-Identifier: Apache-2.0 */
/* A token service's answer: the token can stand in a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_token struct token t = {};
        struct error err = {};

        if (token_read((const char *)data, size, &t, &err) < 0) {
                if (!*err.text)
                        abort();
                return 0;
        }
        if (!*t.text || strpbrk(t.text, "\r\n ") || !t.lifetime)
                abort();
        return 0;
}
