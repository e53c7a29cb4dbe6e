/* SPDX-License-Identifier: Apache-2.0 */
/* A line of a json-file log. Not by base/json.h: what a program says may have NULs in it. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/parse.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "instance/log_read.h"

struct cursor {
        char *at, *end;
};

/* Steps over the text, if it stands there. */
static bool skip(struct cursor *c, const char *text)
{
        size_t n = strlen(text);

        if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
                return false;
        c->at += n;
        return true;
}

/* The four digits behind "\u"; -1. */
static int read_unit(struct cursor *c)
{
        int v = 0;

        if (c->end - c->at < 4)
                return -1;
        for (int i = 0; i < 4; i++) {
                int digit = parse_digit(c->at[i]);

                if (digit > 15)
                        return -1;
                v = v << 4 | digit;
        }
        c->at += 4;
        return v;
}

/* Behind the backslash. False: there is no such thing. A half of a surrogate pair is not what log_file.c writes. */
static bool decode_escape(struct cursor *c, char **out)
{
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        const char *found;
        int unit;

        if (c->at == c->end)
                return false;
        if (*c->at == 'u') {
                c->at++;
                unit = read_unit(c);
                if (unit < 0 || (unit >= 0xd800 && unit <= 0xdfff))
                        return false;
                *out = utf8_put(*out, (uint32_t)unit);
                return true;
        }
        found = memchr(from, *c->at++, sizeof from - 1);
        if (found)
                *(*out)++ = to[found - from];
        return found;
}

/* Up to the closing quote; in its place, since what it stands for is never longer. */
static bool decode_string(struct cursor *c, const char **ret, size_t *ret_len)
{
        char *start = c->at, *out = start;

        while (c->at < c->end && *c->at != '"') {
                if (*c->at != '\\') {
                        *out++ = *c->at++;
                        continue;
                }
                c->at++;
                if (!decode_escape(c, &out))
                        return false;
        }
        if (!skip(c, "\""))
                return false;
        *ret = start;
        *ret_len = (size_t)(out - start);
        return true;
}

static bool read_time(const char *text, size_t len, int64_t *ret)
{
        char copy[RFC3339_MAX];

        if (len >= sizeof copy)
                return false;
        memcpy(copy, text, len);
        copy[len] = '\0';
        return rfc3339_parse_ns(copy, ret) == 0;
}

int log_line_parse(char *line, size_t len, struct log_entry *ret)
{
        struct cursor c = { line, line + len };
        struct log_entry e = {};
        const char *stream, *time;
        size_t stream_len, time_len;

        if (!skip(&c, "{\"log\":\"") || !decode_string(&c, &e.text, &e.len) || !skip(&c, ",\"stream\":\"") ||
            !decode_string(&c, &stream, &stream_len) || !skip(&c, ",\"time\":\"") ||
            !decode_string(&c, &time, &time_len) || !skip(&c, "}") || c.at != c.end ||
            !read_time(time, time_len, &e.time))
                return -EINVAL;
        if (stream_len != 6 || (memcmp(stream, "stdout", 6) != 0 && memcmp(stream, "stderr", 6) != 0))
                return -EINVAL;
        e.stream = stream[3] == 'o' ? LOG_STDOUT : LOG_STDERR;
        *ret = e;
        return 0;
}
