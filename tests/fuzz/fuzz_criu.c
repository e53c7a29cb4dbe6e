/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever criu's service answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "container/criu_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct criu_response r, untouched;

        memset(&r, 0xa5, sizeof r);
        untouched = r;
        if (criu_response_parse(data, size, &r) < 0) {
                if (memcmp(&r, &untouched, sizeof r) != 0)
                        abort();
        } else if (!memchr(r.script, '\0', sizeof r.script) || !memchr(r.message, '\0', sizeof r.message)) {
                abort();
        }
        return 0;
}
