/* SPDX-License-Identifier: Apache-2.0 */
/* A template, a NUL and a JSON value: whatever is given to --format. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = memchr(data, '\0', size);
        own_template struct template *t = NULL;
        own_json struct json_object *root = NULL;
        own_buf struct buf out = {};
        struct error err = {};
        const char *json = "{\"A\":[1,\"b\",null],\"B\":{\"c\":\"d\"}}";
        size_t len = strlen(json);
        int r;

        if (!end)
                return 0;
        if (end + 1 < data + size) {
                json = (const char *)end + 1;
                len = (size_t)(data + size - end - 1);
        }
        if (json_parse(json, len, &root, &err) < 0)
                return 0;
        r = template_parse((const char *)data, &t, &err);
        if (r == 0)
                r = template_execute(t, root, &out, &err);
        require(r == 0 || (r == -err.code && *err.text));
        return 0;
}
