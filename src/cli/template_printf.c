/* SPDX-License-Identifier: Apache-2.0 */
/* print, println, printf. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/template_run.h"
#include "cli/template_verb.h"

static int too_much(struct template_run *run)
{
        return error_set(run->err, EINVAL, "the template makes too much");
}

static int no_memory(struct template_run *run)
{
        return error_set(run->err, ENOMEM, "out of memory");
}

/* A space stands between two of which neither is a string. */
int template_call_print(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        own_buf struct buf out = {};

        for (size_t i = 0; i < n; i++) {
                if (i && v[i].kind != VALUE_TEXT && v[i - 1].kind != VALUE_TEXT)
                        buf_add_str(&out, " ");
                if (template_value_print(&out, &v[i]) < 0)
                        return no_memory(run);
        }
        return template_set_text(run, &out, ret);
}

int template_call_println(struct template_run *run, const struct template_value *v, size_t n,
                          struct template_value *ret)
{
        own_buf struct buf out = {};

        for (size_t i = 0; i < n; i++) {
                buf_add_str(&out, i ? " " : "");
                if (template_value_print(&out, &v[i]) < 0)
                        return no_memory(run);
        }
        buf_add_str(&out, "\n");
        return template_set_text(run, &out, ret);
}

/* What printf has done so far. */
struct printing {
        struct template_run *run;
        const struct template_value *v;
        size_t n, next;
        const char *at, *end;
        struct buf out;
};

static void read_flags(struct printing *p, struct template_verb *verb)
{
        for (; p->at < p->end; p->at++) {
                if (*p->at == '-')
                        verb->minus = true;
                else if (*p->at == '+')
                        verb->plus = true;
                else if (*p->at == '#')
                        verb->sharp = true;
                else if (*p->at == ' ')
                        verb->space = true;
                else if (*p->at == '0')
                        verb->zero = true;
                else
                        break;
        }
        verb->zero = verb->zero && !verb->minus;
}

/* Digits, or "*" for the next value; *ret stays when there is neither. */
static int read_number(struct printing *p, int *ret)
{
        const struct template_value *v;
        int n = 0;

        if (p->at < p->end && *p->at == '*') {
                p->at++;
                v = p->next < p->n ? &p->v[p->next++] : NULL;
                if (!v || v->kind != VALUE_INTEGER || v->magnitude > TEMPLATE_MAX_WIDTH)
                        return error_set(p->run->err, EINVAL, "\"*\" takes a number of 0 to %d", TEMPLATE_MAX_WIDTH);
                *ret = v->negative ? -(int)v->magnitude : (int)v->magnitude;
                return 0;
        }
        if (p->at == p->end || !isdigit((unsigned char)*p->at))
                return 0;
        for (; p->at < p->end && isdigit((unsigned char)*p->at); p->at++) {
                n = 10 * n + *p->at - '0';
                if (n > TEMPLATE_MAX_WIDTH)
                        return error_set(p->run->err, EINVAL, "a width above %d", TEMPLATE_MAX_WIDTH);
        }
        *ret = n;
        return 0;
}

static int read_verb(struct printing *p, struct template_verb *verb)
{
        int r;

        read_flags(p, verb);
        r = read_number(p, &verb->width);
        if (r == 0 && verb->width < -1) {
                verb->minus = true;
                verb->zero = false;
                verb->width = -verb->width;
        }
        if (r == 0 && p->at < p->end && *p->at == '.') {
                p->at++;
                verb->precision = 0;
                r = read_number(p, &verb->precision);
                if (verb->precision < 0)
                        verb->precision = -1;
        }
        return r;
}

/* at stands behind the "%". */
static int add_directive(struct printing *p)
{
        struct template_verb verb = { .width = -1, .precision = -1 };
        int r = read_verb(p, &verb);

        if (r < 0)
                return r;
        if (p->at == p->end) {
                buf_add_str(&p->out, "%!(NOVERB)");
                return 0;
        }
        verb.letter = *p->at++;
        if (verb.letter == '%') {
                buf_add_str(&p->out, "%");
                return 0;
        }
        if (!verb.letter || !strchr("vsdqtxXobcUeEfFgG", verb.letter))
                return error_set(p->run->err, EINVAL, "\"%%%.*s\" is not understood",
                                 (unsigned char)verb.letter < 0x80 ? 1 : 0, p->at - 1);
        if (p->next == p->n) {
                buf_addf(&p->out, "%%!%c(MISSING)", verb.letter);
                return 0;
        }
        return template_verb_add(&p->out, &verb, &p->v[p->next++]) < 0 ? no_memory(p->run) : 0;
}

static const char *type_name(const struct template_value *v)
{
        static const char *const names[] = { "<nil>",   "<nil>",  "bool",           "int",
                                             "float64", "string", "[]interface {}", "map[string]interface {}" };

        return names[v->kind];
}

static void add_rest(struct printing *p)
{
        buf_add_str(&p->out, "%!(EXTRA ");
        for (size_t i = p->next; i < p->n; i++) {
                const struct template_value *v = &p->v[i];

                buf_addf(&p->out, "%s%s", i > p->next ? ", " : "", type_name(v));
                if (v->kind == VALUE_NONE || v->kind == VALUE_NULL)
                        continue;
                buf_add_str(&p->out, "=");
                template_value_print(&p->out, v);
        }
        buf_add_str(&p->out, ")");
}

static int print_all(struct printing *p)
{
        while (p->at < p->end) {
                const char *percent = memchr(p->at, '%', (size_t)(p->end - p->at));
                int r;

                buf_add(&p->out, p->at, (size_t)((percent ? percent : p->end) - p->at));
                if (!percent)
                        break;
                p->at = percent + 1;
                r = add_directive(p);
                if (r < 0)
                        return r;
                if (p->out.len > TEMPLATE_MAX_TEXT)
                        return too_much(p->run);
        }
        if (p->next < p->n)
                add_rest(p);
        return 0;
}

int template_call_printf(struct template_run *run, const struct template_value *v, size_t n, struct template_value *ret)
{
        struct printing p = { .run = run, .v = v, .n = n, .next = 1 };
        int r = template_want(run, v, VALUE_TEXT);

        if (r < 0)
                return r;
        p.at = v->text;
        p.end = v->text + v->len;
        r = print_all(&p);
        if (r == 0)
                r = template_set_text(run, &p.out, ret);
        buf_finish(&p.out);
        return r;
}
