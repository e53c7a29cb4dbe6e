/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/detach_keys.h"

#include <errno.h>
#include <string.h>

/* -1: no such key. */
static int parse_key(const char *text, size_t len)
{
        static const char controls[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
        const char *found;

        if (len == 1 && (unsigned char)*text < 0x80)
                return *text;
        if (len != 6 || strncmp(text, "ctrl-", 5) != 0)
                return -1;
        found = memchr(controls, text[5], sizeof controls - 1);
        return found ? (int)(found - controls) : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err)
{
        const char *rest = text ? text : "ctrl-p,ctrl-q";
        struct detach_keys k = {};

        while (*rest) {
                size_t len = strcspn(rest, ",");
                int key = parse_key(rest, len);

                if (k.n == DETACH_KEYS_MAX)
                        return error_set(err, EINVAL, "detach keys \"%s\": more than %d", text, DETACH_KEYS_MAX);
                if (key < 0)
                        return error_set(err, EINVAL, "detach keys \"%s\": unknown key \"%.*s\"", text, (int)len, rest);
                k.keys[k.n++] = (unsigned char)key;
                rest += len;
                /* Behind a comma stands another one. */
                if (*rest == ',' && !*++rest)
                        return error_set(err, EINVAL, "detach keys \"%s\": one is missing", text);
        }
        *ret = k;
        return 0;
}

bool detach_keys_filter(struct detach_keys *k, const void *data, size_t len, unsigned char *out, size_t *ret_len)
{
        const unsigned char *in = data;
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                if (k->n && in[i] == k->keys[k->matched]) {
                        if (++k->matched < k->n)
                                continue;
                        k->matched = 0;
                        *ret_len = n;
                        return true;
                }
                /* It was not meant: what was held back goes on, and this key may be the first again. */
                memcpy(out + n, k->keys, k->matched);
                n += k->matched;
                k->matched = 0;
                if (k->n > 1 && in[i] == k->keys[0])
                        k->matched = 1;
                else
                        out[n++] = in[i];
        }
        *ret_len = n;
        return false;
}
