/* SPDX-License-Identifier: Apache-2.0 */
#include "net/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/parse.h"

enum { PART_SIZE = 64 };

void port_wishes_finish(struct port_wishes *w)
{
        free(w->v);
        *w = (struct port_wishes){};
}

/* "80" or "80-90". */
static bool parse_range(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
        char part[PART_SIZE];
        const char *dash = strchr(text, '-');
        uint32_t first, last;

        if (snprintf(part, sizeof part, "%.*s", dash ? (int)(dash - text) : (int)strlen(text), text) >=
                    (int)sizeof part ||
            parse_u32(part, 10, &first) < 0)
                return false;
        last = first;
        if (dash && parse_u32(dash + 1, 10, &last) < 0)
                return false;
        if (first < 1 || last < first || last > UINT16_MAX)
                return false;
        *ret_first = (uint16_t)first;
        *ret_last = (uint16_t)last;
        return true;
}

/* Cuts "/tcp" off. */
static bool cut_protocol(char *text, uint8_t *ret)
{
        char *slash = strchr(text, '/');

        *ret = IPPROTO_TCP;
        if (!slash)
                return true;
        *slash = '\0';
        return protocol_parse(slash + 1, ret);
}

static bool is_same(const struct port_wish *a, const struct port_wish *b)
{
        return a->host.family == b->host.family && ip_equal(&a->host, &b->host) && a->host_first == b->host_first &&
               a->host_last == b->host_last && a->port == b->port && a->protocol == b->protocol;
}

static bool has(const struct port_wishes *w, const struct port_wish *wish)
{
        for (size_t i = 0; i < w->n; i++)
                if (is_same(&w->v[i], wish))
                        return true;
        return false;
}

static int add_one(struct port_wishes *w, const struct port_wish *wish, struct error *err)
{
        if (array_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0)
                return error_set(err, ENOMEM, "out of memory");
        w->v[w->n++] = *wish;
        return 0;
}

static int add_range(struct port_wishes *w, struct port_wish wish, unsigned first, unsigned last, struct error *err)
{
        /* A range for one port is a choice; else each port has its own. */
        bool paired = first != last && wish.host_first;
        unsigned host = wish.host_first;
        int r = 0;

        wish.port = (uint16_t)first;
        /* Not within ranges: 65536 ports would each be compared with all others. */
        if (first == last && has(w, &wish))
                return 0;
        for (unsigned port = first; r == 0 && port <= last; port++) {
                wish.port = (uint16_t)port;
                if (paired)
                        wish.host_first = wish.host_last = (uint16_t)(host + port - first);
                r = add_one(w, &wish, err);
        }
        return r;
}

static int bad(const char *text, struct error *err)
{
        return error_set(err, EINVAL, "\"%s\" is no [ADDRESS:][PORT:]PORT[/tcp|udp|sctp] with ports from 1 to 65535",
                         text);
}

/* The address before the last colons, in brackets or not; the text then begins behind it. */
static bool cut_address(char **text, struct ip *ret)
{
        char *end = **text == '[' ? strchr(*text, ']') : NULL, *last, *first;

        if (**text == '[') {
                if (!end || end[1] != ':')
                        return false;
                *end = '\0';
                first = *text + 1;
                *text = end + 2;
                return ip_parse(first, ret);
        }
        last = strrchr(*text, ':');
        first = *text;
        end = last ? memrchr(*text, ':', (size_t)(last - *text)) : NULL;
        if (!end)
                return true;
        *end = '\0';
        *text = end + 1;
        return !*first || ip_parse(first, ret);
}

int port_wishes_add(struct port_wishes *w, const char *text, struct error *err)
{
        char copy[PART_SIZE * 2], *rest = copy, *colon;
        struct port_wish wish = {};
        size_t len = strlen(text);
        uint16_t first, last;

        if (len >= sizeof copy)
                return bad(text, err);
        memcpy(copy, text, len + 1);
        if (!cut_protocol(copy, &wish.protocol) || !cut_address(&rest, &wish.host))
                return bad(text, err);
        if (wish.host.family == AF_INET6 && ip_is_loopback(&wish.host))
                return error_set(err, EINVAL, "\"%s\": the kernel leads nothing on from ::1; take 127.0.0.1", text);
        colon = strchr(rest, ':');
        if (!parse_range(colon ? colon + 1 : rest, &first, &last))
                return bad(text, err);
        if (colon) {
                *colon = '\0';
                if (*rest && !parse_range(rest, &wish.host_first, &wish.host_last))
                        return bad(text, err);
        }
        if (wish.host_first && first != last && wish.host_last - wish.host_first != last - first)
                return error_set(err, EINVAL, "\"%s\": the ranges are not of the same length", text);
        return add_range(w, wish, first, last, err);
}

int port_wishes_add_exposed(struct port_wishes *w, const char *text, struct error *err)
{
        char copy[PART_SIZE];
        struct port_wish wish = {};
        size_t len = strlen(text);
        uint16_t first, last;

        if (len >= sizeof copy)
                return bad(text, err);
        memcpy(copy, text, len + 1);
        if (!cut_protocol(copy, &wish.protocol) || !parse_range(copy, &first, &last))
                return error_set(err, EINVAL, "\"%s\" is no PORT[/tcp|udp|sctp]", text);
        return add_range(w, wish, first, last, err);
}

int port_parse(const char *text, uint16_t *ret_port, uint8_t *ret_protocol, struct error *err)
{
        char copy[PART_SIZE];
        size_t len = strlen(text);
        uint16_t first, last;

        if (len < sizeof copy) {
                memcpy(copy, text, len + 1);
                if (cut_protocol(copy, ret_protocol) && parse_range(copy, &first, &last) && first == last) {
                        *ret_port = first;
                        return 0;
                }
        }
        return error_set(err, EINVAL, "\"%s\" is no PORT[/tcp|udp|sctp]", text);
}
