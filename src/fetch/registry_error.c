/* SPDX-License-Identifier: Apache-2.0 */
/* { "errors": [ { "code": "...", "message": "..." } ] }, distribution-spec: Error Codes. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "fetch/registry.h"

enum { MAX_TEXT = 200 };

static int code_of(long status)
{
        switch (status) {
        case 401:
        case 403:
                return EACCES;
        case 404:
                return ENOENT;
        case 429:
                return EBUSY;
        default:
                return EIO;
        }
}

static const char *words_of(long status)
{
        switch (status) {
        case 401:
        case 403:
                return "access is denied";
        case 404:
                return "it is not there";
        case 429:
                return "the registry has had too many requests";
        default:
                return NULL;
        }
}

/* Characters that a terminal would obey are left out. */
static void copy_plain(const char *text, char ret[MAX_TEXT])
{
        size_t n = 0;

        for (; *text && n < MAX_TEXT - 1; text++) {
                if ((unsigned char)*text >= ' ' && *text != 0x7f)
                        ret[n++] = *text;
        }
        ret[n] = '\0';
}

/* The first error's message, or its code; "" when there is none. */
static void read_complaint(const struct buf *body, char ret[MAX_TEXT])
{
        own_json struct json_object *root = NULL;
        struct json_object *errors = NULL, *first;
        const char *code = "", *message = "";

        if (json_parse(buf_str(body), body->len, &root, NULL) < 0 || !json_is_object(root) ||
            json_get_array(root, "errors", &errors, NULL) <= 0 || json_array_size(errors) == 0)
                return;
        first = json_array_item(errors, 0);
        if (!json_is_object(first) || json_get_string(first, "code", &code, NULL) < 0 ||
            json_get_string(first, "message", &message, NULL) < 0)
                return;
        copy_plain(*message ? message : code, ret);
}

int registry_refused(const struct http_response *response, struct error *err)
{
        const char *words = words_of(response->status);
        char complaint[MAX_TEXT] = "";

        read_complaint(&response->body, complaint);
        if (words)
                return error_set(err, code_of(response->status), "%s%s%s%s", words, *complaint ? " (" : "", complaint,
                                 *complaint ? ")" : "");
        return error_set(err, code_of(response->status), "the registry answered with status %ld%s%s", response->status,
                         *complaint ? ": " : "", complaint);
}
