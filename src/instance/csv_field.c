/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/csv_field.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

int csv_next_field(char **rest, char **ret, struct error *err)
{
        char *p = *rest, *out = p;
        bool quoted = p && *p == '"';

        *ret = p;
        if (!p)
                return 0;
        for (p += quoted; *p && (quoted || *p != ','); p++) {
                if (quoted && *p == '"') {
                        if (p[1] != '"') {
                                quoted = false;
                                continue;
                        }
                        p++;
                }
                *out++ = *p;
        }
        if (quoted)
                return error_set(err, EINVAL, "a quote has no end");
        *rest = *p ? p + 1 : NULL;
        *out = '\0';
        return 0;
}
