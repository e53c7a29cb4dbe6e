/* SPDX-License-Identifier: Apache-2.0 */
/* A reference that is taken has a full form, which is taken as well and means the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "oci/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem char *text = strndup((const char *)data, size);
        own_buf struct buf full = {}, again = {};
        struct reference ref, second;

        if (!text || reference_parse(text, &ref, NULL) < 0)
                return 0;
        reference_add(&full, &ref);
        if (reference_parse(buf_str(&full), &second, NULL) < 0)
                abort();
        reference_add(&again, &second);
        if (strcmp(buf_str(&full), buf_str(&again)) != 0 || strstr(ref.repository, ".."))
                abort();
        return 0;
}
