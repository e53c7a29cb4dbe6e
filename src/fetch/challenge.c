/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header is a list of challenges, and a challenge has a list of parameters, with the same comma between the items of
 * both: a word with "=" behind it is a parameter, one without begins a challenge.
 */
#include "fetch/challenge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/own.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define WORD ALNUM "!#$%&'*+-.^_`|~"
#define TOKEN68 ALNUM "-._~+/"

struct reader {
        const char *p;
        struct challenge *to;
        bool taken; /* the parameters are those of the first Bearer */
        bool began; /* a challenge */
        struct error *err;
};

void challenge_finish(struct challenge *c)
{
        free(c->realm);
        free(c->service);
        free(c->scope);
        *c = (struct challenge){};
}

static int fail(struct reader *r, const char *what)
{
        return error_set(r->err, EPROTO, "the server's WWW-Authenticate: %s", what);
}

static void skip_blanks(struct reader *r)
{
        r->p += strspn(r->p, " \t");
}

static int read_quoted(struct reader *r, struct buf *out)
{
        for (r->p++; *r->p != '"'; r->p++) {
                r->p += *r->p == '\\';
                if (!*r->p)
                        return fail(r, "a quoted string without an end");
                if (((unsigned char)*r->p < ' ' && *r->p != '\t') || *r->p == 0x7f)
                        return fail(r, "a control character");
                buf_add(out, r->p, 1);
        }
        r->p++;
        return 0;
}

static char **place_for(struct reader *r, const char *name, size_t n)
{
        struct challenge *c = r->to;
        const struct {
                const char *name;
                char **place;
        } known[] = { { "realm", &c->realm }, { "service", &c->service }, { "scope", &c->scope } };

        for (size_t i = 0; i < ARRAY_SIZE(known) && r->taken; i++) {
                if (n == strlen(known[i].name) && strncasecmp(name, known[i].name, n) == 0)
                        return known[i].place;
        }
        return NULL;
}

/* Behind the "=" */
static int read_parameter(struct reader *r, const char *name, size_t n)
{
        char **place = place_for(r, name, n);
        own_buf struct buf value = {};
        size_t word;
        int e = 0;

        skip_blanks(r);
        word = strspn(r->p, WORD);
        if (*r->p == '"') {
                e = read_quoted(r, &value);
        } else if (word) {
                buf_add(&value, r->p, word);
                r->p += word;
        } else {
                e = fail(r, "a parameter without a value");
        }
        if (e < 0 || !place)
                return e;
        if (*place)
                return fail(r, "a parameter that is there twice");
        buf_add(&value, "", 1);
        if (buf_failed(&value))
                return error_set(r->err, ENOMEM, "out of memory");
        *place = take_ptr(value.data);
        return 0;
}

/* Behind the scheme; a "token68" stands where others have parameters. */
static int begin_challenge(struct reader *r, const char *name, size_t n)
{
        const char *end;

        r->began = true;
        r->taken = n == 6 && strncasecmp(name, "bearer", n) == 0 && !r->to->bearer;
        r->to->bearer |= r->taken;
        r->to->basic |= n == 5 && strncasecmp(name, "basic", n) == 0;
        if (*r->p && !strchr(" \t,", *r->p))
                return fail(r, "a scheme that is no word");
        skip_blanks(r);
        end = r->p + strspn(r->p, TOKEN68);
        if (end == r->p)
                return 0;
        end += strspn(end, "=");
        if (!end[strspn(end, " \t")] || end[strspn(end, " \t")] == ',')
                r->p = end;
        return 0;
}

static int read_item(struct reader *r)
{
        const char *name = r->p;
        size_t n = strspn(name, WORD);

        if (!n)
                return fail(r, "expected a word");
        r->p += n;
        /* "Basic" alone or "Basic realm": the blank is no part of "name = value" when no "=" follows. */
        if (r->p[strspn(r->p, " \t")] != '=')
                return begin_challenge(r, name, n);
        if (!r->began)
                return fail(r, "a parameter before the first scheme");
        skip_blanks(r);
        r->p++;
        return read_parameter(r, name, n);
}

int challenge_read(const char *header, struct challenge *c, struct error *err)
{
        struct reader r = { .p = header, .to = c, .err = err };
        int e = 0;

        for (;;) {
                r.p += strspn(r.p, " \t,");
                if (!*r.p)
                        break;
                e = read_item(&r);
                if (e < 0)
                        return e;
        }
        return c->bearer && !c->realm ? fail(&r, "Bearer without a realm") : 0;
}
