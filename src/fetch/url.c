/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static void part_free(char **part)
{
        curl_free(*part);
}
#define own_part __attribute__((cleanup(part_free)))

static void parts_free(CURLU **u)
{
        curl_url_cleanup(*u);
}
#define own_parts __attribute__((cleanup(parts_free)))

static CURLU *parse(const char *url)
{
        CURLU *u = curl_url();

        if (u && curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
                curl_url_cleanup(u);
                u = NULL;
        }
        return u;
}

/* The part, or NULL; curl_free() it. */
static char *part_of(CURLU *u, CURLUPart part)
{
        /* A port that is not named is to be seen, but not to be added to the whole. */
        unsigned flags = part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
        char *text = NULL;

        return u && curl_url_get(u, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool is_web(const char *scheme)
{
        return scheme && (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
}

int url_join(const char *base, const char *relative, char **ret, struct error *err)
{
        own_parts CURLU *u = parse(base);
        own_part char *scheme = NULL, *user = NULL, *url = NULL;
        char *copy;

        if (!u || curl_url_set(u, CURLUPART_URL, relative, 0) != CURLUE_OK)
                return error_set(err, EPROTO, "the server gave a wrong address: \"%.200s\"", relative);
        curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
        scheme = part_of(u, CURLUPART_SCHEME);
        user = part_of(u, CURLUPART_USER);
        url = part_of(u, CURLUPART_URL);
        if (!is_web(scheme) || user || !url)
                return error_set(err, EPROTO, "the server gave an address of another kind: \"%.200s\"", relative);
        copy = strdup(url);
        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        *ret = copy;
        return 0;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
        own_part char *in_a = part_of(a, part), *in_b = part_of(b, part);

        return in_a && in_b && strcasecmp(in_a, in_b) == 0;
}

bool url_same_origin(const char *a, const char *b)
{
        own_parts CURLU *in_a = parse(a), *in_b = parse(b);

        return same_part(in_a, in_b, CURLUPART_SCHEME) && same_part(in_a, in_b, CURLUPART_HOST) &&
               same_part(in_a, in_b, CURLUPART_PORT);
}

bool url_is_https(const char *url)
{
        return strncasecmp(url, "https://", 8) == 0;
}

bool url_is_loopback(const char *url)
{
        own_parts CURLU *u = parse(url);
        own_part char *host = part_of(u, CURLUPART_HOST);
        struct in_addr a;

        if (!host)
                return false;
        if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
                return true;
        return inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}
