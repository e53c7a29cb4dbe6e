/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/http.h"

void http_response_finish(struct http_response *r)
{
        free(r->url);
        buf_finish(&r->headers);
        buf_finish(&r->body);
        *r = (struct http_response){};
}

/* The headers stand as "Name: value" and a NUL each. */
const char *http_header(const struct http_response *r, const char *name, unsigned nth)
{
        size_t len = strlen(name);

        for (const char *line = r->headers.data, *end = line + r->headers.len; line && line < end;
             line += strlen(line) + 1) {
                const char *value = line + len;

                if (strncasecmp(line, name, len) != 0 || *value != ':' || nth--)
                        continue;
                return value + 1 + strspn(value + 1, " \t");
        }
        return NULL;
}

bool http_status_is_transient(long status)
{
        return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}
