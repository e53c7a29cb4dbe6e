/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/token.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/own.h"
#include "fetch/url.h"

enum {
        MAX_ANSWER = 256 << 10,
        USUAL_LIFETIME = 60, /* seconds, when the answer does not say it */
        LONGEST_LIFETIME = 24 * 60 * 60,
};

void token_finish(struct token *t)
{
        free(t->text);
        free(t->identity);
        *t = (struct token){};
}

/* What becomes a part of a header has no control characters and no blanks. */
static bool is_plain(const char *s)
{
        for (; *s; s++) {
                if ((unsigned char)*s <= ' ' || *s == 0x7f)
                        return false;
        }
        return true;
}

static int read_object(struct json_object *root, struct token *ret, struct error *err)
{
        const char *text = "", *identity = NULL;
        uint64_t lifetime = 0;
        int r = json_get_string(root, "token", &text, err);

        if (r >= 0 && !*text)
                r = json_get_string(root, "access_token", &text, err);
        if (r >= 0)
                r = json_get_string(root, "refresh_token", &identity, err);
        if (r >= 0)
                r = json_get_u64(root, "expires_in", &lifetime, err);
        if (r < 0)
                return r;
        if (!*text || !is_plain(text))
                return error_set(err, EPROTO, "there is no token in it");
        ret->text = strdup(text);
        ret->identity = identity && *identity ? strdup(identity) : NULL;
        if (!ret->text || (identity && *identity && !ret->identity))
                return error_set(err, ENOMEM, "out of memory");
        ret->lifetime = lifetime > LONGEST_LIFETIME ? LONGEST_LIFETIME : (unsigned)lifetime;
        if (!ret->lifetime)
                ret->lifetime = USUAL_LIFETIME;
        return 0;
}

int token_read(const char *text, size_t len, struct token *ret, struct error *err)
{
        own_json struct json_object *root = NULL;
        own_token struct token t = {};
        int r = json_parse(text, len, &root, err);

        if (r == 0 && !json_is_object(root))
                r = error_set(err, EPROTO, "expected an object");
        if (r == 0)
                r = read_object(root, &t, err);
        if (r < 0)
                return error_wrap(err, "the token service's answer");
        *ret = t;
        t = (struct token){};
        return 0;
}

/* Appends separator, name, "=" and the value as a query has it. */
static void add_parameter(struct buf *out, char separator, const char *name, const char *value)
{
        char *escaped = curl_easy_escape(NULL, value, 0);

        if (escaped)
                buf_addf(out, "%c%s=%s", separator, name, escaped);
        else
                out->failed = true;
        curl_free(escaped);
}

/* realm?service=S&scope=A&scope=B */
static void add_query(struct buf *url, const struct token_request *q)
{
        char separator = strchr(q->realm, '?') ? '&' : '?';

        buf_add_str(url, q->realm);
        if (q->service) {
                add_parameter(url, separator, "service", q->service);
                separator = '&';
        }
        for (const char *s = q->scopes; *s; s += strspn(s, " ")) {
                size_t n = strcspn(s, " ");
                own_mem char *scope = strndup(s, n);

                add_parameter(url, separator, "scope", scope ? scope : "");
                separator = '&';
                s += n;
        }
        if (*q->credentials->username)
                add_parameter(url, separator, "account", q->credentials->username);
        if (q->offline) {
                add_parameter(url, separator, "client_id", "holt");
                buf_add_str(url, "&offline_token=true");
        }
}

static int answer(const struct token_request *q, const struct http_response *response, struct token *ret,
                  struct error *err)
{
        bool anonymous = !*q->credentials->username && !*q->credentials->identity_token;

        if (response->status == 401 || response->status == 403)
                return error_set(err, EACCES,
                                 anonymous ? "access is denied: it may need a login"
                                           : "access is denied: wrong credentials, or no right to it");
        if (response->status < 200 || response->status > 299)
                return error_set(err, EIO, "the token service %.*s answered with status %ld",
                                 (int)strcspn(q->realm, "?"), q->realm, response->status);
        return token_read(buf_str(&response->body), response->body.len, ret, err);
}

static int get_by_query(struct http *h, const struct token_request *q, struct token *ret, struct error *err)
{
        own_buf struct buf url = {}, authorization = {};
        own_http_response struct http_response response = {};
        struct http_request request = { .method = "GET", .trust = q->trust, .max_body = MAX_ANSWER };
        int r;

        add_query(&url, q);
        if (*q->credentials->username) {
                own_buf struct buf login = {};

                buf_addf(&login, "%s:%s", q->credentials->username, q->credentials->password);
                buf_add_str(&authorization, "Basic ");
                base64_add(&authorization, buf_str(&login), login.len);
                request.authorization = buf_str(&authorization);
        }
        if (buf_failed(&url) || buf_failed(&authorization))
                return error_set(err, ENOMEM, "out of memory");
        request.url = buf_str(&url);
        r = http_perform(h, &request, &response, err);
        return r < 0 ? r : answer(q, &response, ret, err);
}

/* OAuth2: an identity token for one that lives shortly. */
static int get_by_identity(struct http *h, const struct token_request *q, struct token *ret, struct error *err)
{
        static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded", NULL };
        own_http_response struct http_response response = {};
        own_buf struct buf form = {};
        struct http_body body = {};
        struct http_request request = { .method = "POST",
                                        .url = q->realm,
                                        .headers = headers,
                                        .trust = q->trust,
                                        .body = &body,
                                        /* The token goes where it was meant to, and nowhere else. */
                                        .stay = true,
                                        .max_body = MAX_ANSWER };
        int r;

        buf_add_str(&form, "grant_type=refresh_token&client_id=holt");
        if (q->service)
                add_parameter(&form, '&', "service", q->service);
        if (*q->scopes)
                add_parameter(&form, '&', "scope", q->scopes);
        add_parameter(&form, '&', "refresh_token", q->credentials->identity_token);
        if (buf_failed(&form))
                return error_set(err, ENOMEM, "out of memory");
        body.data = form.data;
        body.size = form.len;
        r = http_perform(h, &request, &response, err);
        explicit_bzero(form.data, form.len);
        return r < 0 ? r : answer(q, &response, ret, err);
}

int token_get(struct http *h, const struct token_request *q, struct token *ret, struct error *err)
{
        own_mem char *realm = NULL;
        struct token_request checked = *q;
        int r = url_join(q->realm, q->realm, &realm, err);

        if (r < 0)
                return error_wrap(err, "the token service");
        if (!url_is_https(realm) && !q->trust->insecure)
                return error_set(err, EPROTO, "the registry's token service %.200s is not https", realm);
        checked.realm = realm;
        r = *q->credentials->identity_token ? get_by_identity(h, &checked, ret, err)
                                            : get_by_query(h, &checked, ret, err);
        return r < 0 ? error_wrap(err, "get a token") : 0;
}
