/* SPDX-License-Identifier: Apache-2.0 */
/* --publish and --expose: ports that are none are refused, ranges are of the same length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "net/port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem char *text = size ? strndup((const char *)data, size) : strdup("");
        own_port_wishes struct port_wishes w = {};
        struct error err = {};

        if (port_wishes_add(&w, text, &err) < 0) {
                if (!*err.text || w.n)
                        abort();
        }
        for (size_t i = 0; i < w.n; i++)
                if (!w.v[i].port || !*protocol_name(w.v[i].protocol) || w.v[i].host_last < w.v[i].host_first)
                        abort();
        port_wishes_add_exposed(&w, text, &err);
        return 0;
}
