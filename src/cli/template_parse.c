/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "cli/misuse.h"
#include "cli/template.h"
#include "cli/template_nodes.h"

static const struct {
        const char *name;
        enum template_function function;
        size_t min_operands, max_operands; /* with what is piped in */
} functions[] = {
        { "json", CALL_JSON, 1, 1 }, { "upper", CALL_UPPER, 1, 1 }, { "lower", CALL_LOWER, 1, 1 },
        { "len", CALL_LEN, 1, 1 },   { "join", CALL_JOIN, 2, 2 },   { "index", CALL_INDEX, 2, TEMPLATE_MAX_OPERANDS },
};

struct parser {
        struct template *t;
        const char *at;
        struct error *err;
};

static int out_of_memory(struct parser *p)
{
        return error_set(p->err, ENOMEM, "out of memory");
}

static void skip_blanks(struct parser *p)
{
        p->at += strspn(p->at, " \t\n");
}

static bool at_end(const struct parser *p)
{
        return strncmp(p->at, "}}", 2) == 0;
}

static bool is_name(char c)
{
        return isalnum((unsigned char)c) || c == '_';
}

/* Takes the n bytes at p->at. */
static const char *take(struct parser *p, size_t n)
{
        char *s = arena_alloc(&p->t->arena, n + 1, 1);

        if (!s)
                return NULL;
        memcpy(s, p->at, n);
        p->at += n;
        return s;
}

static int parse_path(struct parser *p, struct template_operand *o)
{
        size_t n = 0, len;

        o->kind = OPERAND_FIELD;
        while (*p->at == '.') {
                p->at++;
                for (len = 0; is_name(p->at[len]); len++)
                        ;
                if (!len && n == 0)
                        return 0;
                if (!len || n == TEMPLATE_MAX_PATH)
                        return error_set(p->err, EMISUSED, "template: a name has to follow at \".%.20s\"", p->at);
                o->path[n] = take(p, len);
                if (!o->path[n++])
                        return out_of_memory(p);
        }
        return 0;
}

/* "text" with Go's simple escapes, or `raw text`. */
static int parse_string(struct parser *p, struct template_operand *o)
{
        static const char letters[] = "ntr\"\\", meanings[] = "\n\t\r\"\\";
        char quote = *p->at++, *out;

        o->kind = OPERAND_STRING;
        o->string = out = arena_alloc(&p->t->arena, strlen(p->at) + 1, 1);
        if (!out)
                return out_of_memory(p);
        for (; *p->at && *p->at != quote; p->at++) {
                const char *escape;

                if (quote == '`' || *p->at != '\\') {
                        *out++ = *p->at;
                        continue;
                }
                p->at++;
                escape = *p->at ? strchr(letters, *p->at) : NULL;
                if (!escape)
                        return error_set(p->err, EMISUSED, "template: unknown escape \"\\%.1s\"", p->at);
                *out++ = meanings[escape - letters];
        }
        if (!*p->at)
                return error_set(p->err, EMISUSED, "template: a string does not end");
        p->at++;
        return 0;
}

static int parse_number(struct parser *p, struct template_operand *o)
{
        const char *digits = take(p, strspn(p->at, "0123456789"));

        o->kind = OPERAND_NUMBER;
        if (!digits)
                return out_of_memory(p);
        return parse_u64(digits, 10, &o->number) < 0 ? error_set(p->err, EMISUSED, "template: bad number %s", digits)
                                                     : 0;
}

static int not_understood(struct parser *p)
{
        size_t len = strcspn(p->at, " }");

        return error_set(
                p->err, EMISUSED,
                "template: \"%.*s\" is not understood; there are fields (.Name), strings, numbers, pipelines and "
                "json, upper, lower, len, index, join",
                (int)(len > 40 ? 40 : len), p->at);
}

static int parse_operand(struct parser *p, struct template_operand *o)
{
        if (*p->at == '.')
                return parse_path(p, o);
        if (*p->at == '"' || *p->at == '`')
                return parse_string(p, o);
        if (isdigit((unsigned char)*p->at))
                return parse_number(p, o);
        return not_understood(p);
}

static int parse_function(struct parser *p, struct template_call *c, size_t piped)
{
        size_t len = 0;

        while (is_name(p->at[len]))
                len++;
        for (size_t i = 0; len && !isdigit((unsigned char)*p->at) && i < ARRAY_SIZE(functions); i++) {
                if (strncmp(functions[i].name, p->at, len) == 0 && !functions[i].name[len]) {
                        c->function = functions[i].function;
                        c->name = functions[i].name;
                        p->at += len;
                        return (int)i;
                }
        }
        if (piped)
                return not_understood(p);
        c->function = CALL_VALUE;
        return ARRAY_SIZE(functions);
}

static int check_operands(struct parser *p, const struct template_call *c, size_t f, size_t piped)
{
        size_t n = c->n_operands + piped;

        if (f == ARRAY_SIZE(functions))
                return n == 1 ? 0 : error_set(p->err, EMISUSED, "template: one value has to stand between {{ and }}");
        if (n < functions[f].min_operands || n > functions[f].max_operands)
                return error_set(p->err, EMISUSED, "template: wrong number of values for %s", c->name);
        return 0;
}

static int parse_call(struct parser *p, struct template_call *c, size_t piped)
{
        int f = parse_function(p, c, piped), r;

        if (f < 0)
                return f;
        for (skip_blanks(p); *p->at && *p->at != '|' && !at_end(p); skip_blanks(p)) {
                if (c->n_operands == TEMPLATE_MAX_OPERANDS)
                        return error_set(p->err, EMISUSED, "template: too many values");
                r = parse_operand(p, &c->operands[c->n_operands++]);
                if (r < 0)
                        return r;
        }
        return check_operands(p, c, (size_t)f, piped);
}

/* p->at stands behind "{{". */
static int parse_action(struct parser *p, struct template_node *node)
{
        int r;

        node->calls = arena_alloc(&p->t->arena, TEMPLATE_MAX_CALLS, sizeof *node->calls);
        if (!node->calls)
                return out_of_memory(p);
        do {
                if (node->n_calls == TEMPLATE_MAX_CALLS)
                        return error_set(p->err, EMISUSED, "template: too long a pipeline");
                skip_blanks(p);
                r = parse_call(p, &node->calls[node->n_calls], node->n_calls > 0);
                node->n_calls++;
        } while (r == 0 && *p->at == '|' && p->at++);
        if (r < 0)
                return r;
        if (!at_end(p))
                return error_set(p->err, EMISUSED, "template: \"}}\" is missing");
        p->at += 2;
        return 0;
}

/* Text up to the next action, with "\t" and "\n" as Docker's --format has them. */
static int parse_text(struct parser *p, struct template_node *node)
{
        const char *end = strstr(p->at, "{{");
        size_t n = end ? (size_t)(end - p->at) : strlen(p->at), out = 0;
        char *text = arena_alloc(&p->t->arena, n + 1, 1);

        if (!text)
                return out_of_memory(p);
        for (size_t i = 0; i < n; i++) {
                if (strncmp(p->at + i, "\\t", 2) == 0) {
                        text[out++] = '\t';
                        i++;
                } else if (strncmp(p->at + i, "\\n", 2) == 0) {
                        text[out++] = '\n';
                        i++;
                } else {
                        text[out++] = p->at[i];
                }
        }
        p->at += n;
        node->text = text;
        return 0;
}

int template_parse(const char *text, struct template **ret, struct error *err)
{
        own_template struct template *t = calloc(1, sizeof *t);
        struct parser p = { .t = t, .at = text, .err = err };
        struct template_node **next;
        int r;

        if (!t)
                return error_set(err, ENOMEM, "out of memory");
        for (next = &t->first; *p.at; next = &(*next)->next) {
                *next = arena_alloc(&t->arena, 1, sizeof **next);
                if (!*next)
                        return out_of_memory(&p);
                if (strncmp(p.at, "{{", 2) == 0) {
                        p.at += 2;
                        r = parse_action(&p, *next);
                } else {
                        r = parse_text(&p, *next);
                }
                if (r < 0)
                        return r;
        }
        *ret = take_ptr(t);
        return 0;
}

void template_free(struct template *t)
{
        if (!t)
                return;
        arena_finish(&t->arena);
        free(t);
}
