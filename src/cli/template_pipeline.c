/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between {{ and }}: operands, commands, pipelines. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"
#include "cli/template_parser.h"

static size_t pos(const struct template_parser *p)
{
        return (size_t)(p->at - p->t->source);
}

static int missing(struct template_parser *p, const char *what)
{
        return what ? template_refuse(p, p->at, "%s: a value has to follow", what)
                    : template_refuse(p, p->at, "a value has to stand here");
}

static int not_understood(struct template_parser *p)
{
        size_t len = strcspn(p->at, " }()|");
        own_buf struct buf names = {};

        if (template_name_len(p->at) == 0 && *p->at == '}')
                return template_refuse(p, p->at, "\"}}\" is missing");
        template_function_names(&names);
        len = len ? len : 1;
        return template_refuse(p, p->at, "\"%.*s\" is not understood; the functions are %s", (int)(len > 40 ? 40 : len),
                               p->at, buf_str(&names));
}

/* .Name.Of.Name, if there is any; p->at stands on the first point. */
static int parse_path(struct template_parser *p, struct template_operand *o)
{
        const char *names[TEMPLATE_MAX_PATH + 1] = {};
        size_t n = 0;

        for (; *p->at == '.'; n++) {
                size_t len = template_name_len(p->at + 1);

                if (!len && n == 0 && o->kind == OPERAND_DOT && p->at[1] != '.') {
                        p->at++;
                        return 0;
                }
                if (!len || n == TEMPLATE_MAX_PATH)
                        return template_refuse(p, p->at, "a name has to follow at \"%.20s\"", p->at);
                p->at++;
                names[n] = template_parser_take(p, len);
                if (!names[n])
                        return -p->err->code;
        }
        if (!n)
                return 0;
        o->path = template_parser_alloc(p, n + 1, sizeof *o->path);
        if (!o->path)
                return -p->err->code;
        memcpy(o->path, names, n * sizeof *names);
        return 0;
}

/* Where the name is, -1 for one that there is not; what was declared last goes first. */
static int find_variable(const struct template_parser *p, const char *name, size_t len)
{
        for (unsigned i = p->n_variables; i-- > 0;) {
                if (strlen(p->variables[i]) == len && memcmp(p->variables[i], name, len) == 0)
                        return (int)i;
        }
        return -1;
}

static int parse_variable(struct template_parser *p, struct template_operand *o)
{
        size_t len = 1 + template_name_len(p->at + 1);
        int i = find_variable(p, p->at, len);

        if (i < 0)
                return template_refuse(p, p->at, "undefined variable \"%.*s\"", (int)(len > 40 ? 40 : len), p->at);
        o->kind = OPERAND_VARIABLE;
        o->variable = (unsigned)i;
        p->at += len;
        return parse_path(p, o);
}

static int parse_parentheses(struct template_parser *p, struct template_operand *o)
{
        const char *begin = p->at++;
        int r;

        if (p->depth++ == TEMPLATE_MAX_DEPTH)
                return template_refuse(p, begin, "nested too deeply");
        o->kind = OPERAND_PIPELINE;
        r = template_parse_pipeline(p, false, NULL, &o->pipeline);
        if (r < 0)
                return r;
        p->depth--;
        if (*p->at != ')')
                return template_refuse(p, begin, "\")\" is missing");
        p->at++;
        return parse_path(p, o);
}

/* true, false, nil: 1; 0 for another word. */
static int parse_word(struct template_parser *p, struct template_operand *o)
{
        size_t len = template_name_len(p->at);
        bool yes = len == 4 && memcmp(p->at, "true", 4) == 0, no = len == 5 && memcmp(p->at, "false", 5) == 0;

        if (!yes && !no && (len != 3 || memcmp(p->at, "nil", 3) != 0))
                return 0;
        o->kind = OPERAND_LITERAL;
        o->literal = yes || no ? template_value_of_bool(yes) : (struct template_value){ .kind = VALUE_NULL };
        p->at += len;
        return 1;
}

static bool is_number(const char *at)
{
        at += *at == '-' || *at == '+';
        at += *at == '.';
        return isdigit((unsigned char)*at);
}

/* What has to be divided from the next one by a blank. */
static int check_end(struct template_parser *p)
{
        if (!*p->at || strchr(" \t\r\n|)", *p->at) || strncmp(p->at, "}}", 2) == 0)
                return 0;
        return *p->at == '}' ? template_refuse(p, p->at, "\"}}\" is missing")
                             : template_refuse(p, p->at, "unexpected \"%.10s\"", p->at);
}

static int parse_operand(struct template_parser *p, struct template_operand *o)
{
        int r;

        o->pos = pos(p);
        if (is_number(p->at) || (*p->at && strchr("\"`'", *p->at))) {
                o->kind = OPERAND_LITERAL;
                r = template_parse_literal(p, &o->literal);
        } else if (*p->at == '.') {
                r = parse_path(p, o);
        } else if (*p->at == '$') {
                r = parse_variable(p, o);
        } else if (*p->at == '(') {
                r = parse_parentheses(p, o);
        } else {
                r = parse_word(p, o);
                if (r == 0)
                        return template_function_find(p->at, template_name_len(p->at))
                                       ? template_refuse(p, p->at, "a function as a value needs parentheses")
                                       : not_understood(p);
        }
        return r < 0 ? r : check_end(p);
}

static bool ends_command(const struct template_parser *p)
{
        return !*p->at || *p->at == '|' || *p->at == ')' || template_at_end(p);
}

/* .Label "name" */
static bool is_label_call(const struct template_command *c, bool piped)
{
        const char **last = c->n ? c->operands->path : NULL;

        if (c->function || c->n + piped < 2 || !last)
                return false;
        while (last[1])
                last++;
        return strcmp(*last, template_label_method.name) == 0;
}

static int check_count(struct template_parser *p, const struct template_command *c, bool piped)
{
        const char *at = p->t->source + c->pos;
        size_t n = c->n + piped;

        if (c->function) {
                if (n >= c->function->min && n <= c->function->max && n <= TEMPLATE_MAX_OPERANDS)
                        return 0;
                return template_refuse(p, at, "wrong number of values for %s", c->function->name);
        }
        if (piped)
                return template_refuse(p, at, "a function has to stand behind \"|\"");
        if (c->n > 1)
                return template_refuse(p, at, "one value has to stand here, or a function and its values");
        if (c->operands->kind == OPERAND_LITERAL && c->operands->literal.kind == VALUE_NULL)
                return template_refuse(p, at, "nil is not a command");
        return 0;
}

static int parse_command(struct template_parser *p, bool piped, const char *what, struct template_command **ret)
{
        struct template_command *c = template_parser_alloc(p, 1, sizeof *c);
        struct template_operand **next;
        int r;

        if (!c)
                return -p->err->code;
        template_skip_blanks(p);
        c->pos = pos(p);
        if (ends_command(p))
                return *p->at ? missing(p, what) : template_refuse(p, p->at, "\"}}\" is missing");
        c->function = template_function_find(p->at, template_name_len(p->at));
        if (c->function) {
                p->at += strlen(c->function->name);
                r = check_end(p);
                if (r < 0)
                        return r;
        }
        next = &c->operands;
        for (template_skip_blanks(p); !ends_command(p); template_skip_blanks(p), next = &(*next)->next, c->n++) {
                if (c->n == TEMPLATE_MAX_OPERANDS)
                        return template_refuse(p, p->at, "too many values");
                *next = template_parser_alloc(p, 1, sizeof **next);
                if (!*next)
                        return -p->err->code;
                r = parse_operand(p, *next);
                if (r < 0)
                        return r;
        }
        if (is_label_call(c, piped)) {
                c->function = &template_label_method;
                p->t->calls_label = true;
        }
        *ret = c;
        return check_count(p, c, piped);
}

/* "$x :=", "$x =", "$i, $x :=": the names; p->at stays when it is none of these. */
struct assignment {
        const char *at[2];
        size_t len[2];
        unsigned n;
        bool declares;
};

static bool read_name(struct template_parser *p, struct assignment *a)
{
        size_t len = *p->at == '$' ? template_name_len(p->at + 1) : 0;

        if (!len)
                return false;
        a->at[a->n] = p->at;
        a->len[a->n++] = 1 + len;
        p->at += 1 + len;
        template_skip_blanks(p);
        return true;
}

static bool read_assignment(struct template_parser *p, struct assignment *a)
{
        const char *begin = p->at;
        bool found = read_name(p, a);

        if (found && *p->at == ',') {
                p->at++;
                template_skip_blanks(p);
                found = read_name(p, a);
        }
        a->declares = found && strncmp(p->at, ":=", 2) == 0;
        if (found && (a->declares || *p->at == '=')) {
                p->at += a->declares ? 2 : 1;
                return true;
        }
        p->at = begin;
        return false;
}

static int declare(struct template_parser *p, const char *at, size_t len, unsigned *ret)
{
        struct template_parser name = *p;

        if (p->n_variables == TEMPLATE_MAX_VARIABLES)
                return template_refuse(p, at, "too many variables");
        name.at = at;
        p->variables[p->n_variables] = template_parser_take(&name, len);
        if (!p->variables[p->n_variables])
                return -p->err->code;
        *ret = p->n_variables++;
        return 0;
}

/* Behind the value: "$x := $x" takes an outer one. */
static int bind_variables(struct template_parser *p, const struct assignment *a, struct template_pipeline *l)
{
        l->n_variables = a->n;
        l->declares = a->declares;
        for (unsigned i = 0; i < a->n; i++) {
                int found, r;

                if (a->declares) {
                        r = declare(p, a->at[i], a->len[i], &l->variables[i]);
                        if (r < 0)
                                return r;
                        continue;
                }
                found = find_variable(p, a->at[i], a->len[i]);
                if (found < 0)
                        return template_refuse(p, a->at[i], "undefined variable \"%.*s\"",
                                               (int)(a->len[i] > 40 ? 40 : a->len[i]), a->at[i]);
                l->variables[i] = (unsigned)found;
        }
        return 0;
}

int template_parse_pipeline(struct template_parser *p, bool for_range, const char *what, struct template_pipeline **ret)
{
        struct template_pipeline *l = template_parser_alloc(p, 1, sizeof *l);
        struct template_command **next;
        struct assignment a = {};
        int r;

        if (!l)
                return -p->err->code;
        template_skip_blanks(p);
        if (!read_assignment(p, &a))
                a.n = 0;
        if (a.n == 2 && !for_range)
                return template_refuse(p, a.at[1], "only range has two variables");
        template_skip_blanks(p);
        l->pos = pos(p);
        next = &l->first;
        do {
                r = parse_command(p, next != &l->first, what, next);
                if (r < 0)
                        return r;
                next = &(*next)->next;
        } while (*p->at == '|' && p->at++);
        *ret = l;
        return bind_variables(p, &a, l);
}
