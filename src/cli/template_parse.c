/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, actions and blocks. */
#include "cli/template.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"
#include "cli/template_parser.h"

static const char blanks[] = " \t\r\n";

int template_place_error(const char *source, size_t pos, struct error *err)
{
        size_t line = 1, column = 1;

        for (size_t i = 0; i < pos && source[i]; i++) {
                column = source[i] == '\n' ? 1 : column + 1;
                line += source[i] == '\n';
        }
        return error_wrap(err, "template:%zu:%zu", line, column);
}

int template_refuse_(struct template_parser *p, const char *at)
{
        return template_place_error(p->t->source, (size_t)(at - p->t->source), p->err);
}

void *template_parser_alloc(struct template_parser *p, size_t count, size_t size)
{
        void *memory = arena_alloc(&p->t->arena, count, size);

        if (!memory)
                error_set(p->err, ENOMEM, "out of memory");
        return memory;
}

const char *template_parser_take(struct template_parser *p, size_t n)
{
        char *s = template_parser_alloc(p, n + 1, 1);

        if (!s)
                return NULL;
        memcpy(s, p->at, n);
        p->at += n;
        return s;
}

void template_skip_blanks(struct template_parser *p)
{
        p->at += strspn(p->at, blanks);
}

size_t template_name_len(const char *at)
{
        size_t len = 0;

        if (isdigit((unsigned char)*at))
                return 0;
        while (isalnum((unsigned char)at[len]) || at[len] == '_' || (unsigned char)at[len] >= 0x80)
                len++;
        return len;
}

/* "-}}" counts behind a blank. */
static bool at_trim(const struct template_parser *p)
{
        return strncmp(p->at, "-}}", 3) == 0 && strchr(blanks, p->at[-1]);
}

bool template_at_end(const struct template_parser *p)
{
        return strncmp(p->at, "}}", 2) == 0 || at_trim(p);
}

/* Takes "}}". */
static int close_action(struct template_parser *p)
{
        template_skip_blanks(p);
        if (!template_at_end(p))
                return *p->at && *p->at != '}' ? template_refuse(p, p->at, "unexpected \"%.10s\"", p->at)
                                               : template_refuse(p, p->at, "\"}}\" is missing");
        p->trims = *p->at == '-';
        p->at += p->trims ? 3 : 2;
        return 0;
}

/* Text up to the next action, with "\t" and "\n" as Docker's --format has them. */
static int parse_text(struct template_parser *p, struct template_node *node)
{
        const char *end = strstr(p->at, "{{"), *begin = p->at;
        size_t n = end ? (size_t)(end - begin) : strlen(begin), len = 0;
        char *text = template_parser_alloc(p, n + 1, 1);

        if (!text)
                return -p->err->code;
        p->at += n;
        if (p->trims) {
                size_t skipped = strspn(begin, blanks);

                skipped = skipped < n ? skipped : n;
                begin += skipped;
                n -= skipped;
        }
        if (end && end[2] == '-' && end[3] && strchr(blanks, end[3])) {
                while (n && strchr(blanks, begin[n - 1]))
                        n--;
        }
        for (size_t i = 0; i < n; i++) {
                text[len] = begin[i];
                if (begin[i] == '\\' && i + 1 < n && strchr("tn", begin[i + 1])) {
                        text[len] = '\n';
                        if (begin[++i] == 't')
                                text[len] = '\t';
                }
                len++;
        }
        node->kind = NODE_TEXT;
        node->text = template_value_of_text(text, len);
        p->trims = false;
        return 0;
}

/* 1 for a comment, which it takes with its "}}". */
static int parse_comment(struct template_parser *p)
{
        const char *end;

        if (strncmp(p->at, "/*", 2) != 0)
                return 0;
        end = strstr(p->at + 2, "*/");
        if (!end)
                return template_refuse(p, p->at, "a comment does not end");
        p->at = end + 2;
        return close_action(p) < 0 ? -p->err->code : 1;
}

/* The word at p->at, taken. */
static bool take_word(struct template_parser *p, const char *word)
{
        size_t len = strlen(word);

        if (template_name_len(p->at) != len || memcmp(p->at, word, len) != 0)
                return false;
        p->at += len;
        return true;
}

/* What ended a list of nodes. */
enum list_end { END_OF_TEXT, END_OF_BLOCK, END_OF_BODY };

static int parse_list(struct template_parser *p, struct template_node **first, enum list_end *ret);

static const struct {
        const char *word;
        int kind;
} blocks[] = { { "if", NODE_IF }, { "with", NODE_WITH }, { "range", NODE_RANGE } };

static int parse_block(struct template_parser *p, size_t block, struct template_node *node);

/* Behind "else": "}}", or "if", which makes a block of its own that ends with this one. */
static int parse_else(struct template_parser *p, const char *begin, struct template_node *node)
{
        enum list_end end = END_OF_TEXT;
        int r;

        template_skip_blanks(p);
        if (node->kind == NODE_IF && take_word(p, "if")) {
                node->otherwise = template_parser_alloc(p, 1, sizeof *node);
                return node->otherwise ? parse_block(p, 0, node->otherwise) : -p->err->code;
        }
        r = close_action(p);
        if (r == 0)
                r = parse_list(p, &node->otherwise, &end);
        if (r == 0 && end != END_OF_BLOCK)
                return template_refuse(p, begin, "{{end}} is missing");
        return r;
}

/* p->at stands behind the word. */
static int parse_block(struct template_parser *p, size_t block, struct template_node *node)
{
        const char *begin = p->at - strlen(blocks[block].word);
        unsigned outer = p->n_variables, own;
        enum list_end end = END_OF_TEXT;
        int r;

        if (p->depth++ == TEMPLATE_MAX_DEPTH)
                return template_refuse(p, begin, "nested too deeply");
        node->kind = blocks[block].kind;
        r = template_parse_pipeline(p, node->kind == NODE_RANGE, blocks[block].word, &node->pipeline);
        if (r == 0)
                r = close_action(p);
        if (r < 0)
                return r;
        own = p->n_variables;
        p->loops += node->kind == NODE_RANGE;
        r = parse_list(p, &node->body, &end);
        p->loops -= node->kind == NODE_RANGE;
        p->n_variables = own;
        if (r == 0 && end == END_OF_TEXT)
                return template_refuse(p, begin, "%s: {{end}} is missing", blocks[block].word);
        if (r == 0 && end == END_OF_BODY)
                r = parse_else(p, begin, node);
        p->n_variables = outer;
        p->depth--;
        return r;
}

/* break and continue. */
static int parse_jump(struct template_parser *p, const char *begin, struct template_node *node)
{
        if (!p->loops)
                return template_refuse(p, begin, "there is no range around it");
        return close_action(p);
}

/* p->at stands behind "{{" and what trims. */
static int parse_action(struct template_parser *p, struct template_node *node)
{
        const char *begin = p->at;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
                if (take_word(p, blocks[i].word))
                        return parse_block(p, i, node);
        }
        node->kind = NODE_BREAK;
        if (take_word(p, "break"))
                return parse_jump(p, begin, node);
        node->kind = NODE_CONTINUE;
        if (take_word(p, "continue"))
                return parse_jump(p, begin, node);
        node->kind = NODE_ACTION;
        r = template_parse_pipeline(p, false, NULL, &node->pipeline);
        return r < 0 ? r : close_action(p);
}

/* "end" and "else": 1 when it is one of these. */
static int parse_list_end(struct template_parser *p, enum list_end *ret)
{
        const char *begin = p->at;
        int r = 0;

        if (take_word(p, "end")) {
                *ret = END_OF_BLOCK;
                r = close_action(p);
        } else if (take_word(p, "else")) {
                *ret = END_OF_BODY;
        } else {
                return 0;
        }
        if (r < 0)
                return r;
        return p->depth ? 1 : template_refuse(p, begin, "there is no if, with or range that it belongs to");
}

/* Takes "{{" and what belongs to it. */
static void open_action(struct template_parser *p)
{
        p->at += 2;
        if (*p->at == '-' && p->at[1] && strchr(blanks, p->at[1]))
                p->at++;
        template_skip_blanks(p);
}

static int parse_list(struct template_parser *p, struct template_node **first, enum list_end *ret)
{
        struct template_node **next = first;

        while (*p->at) {
                bool action = strncmp(p->at, "{{", 2) == 0;
                struct template_node *node;
                int r = 0;

                if (action) {
                        open_action(p);
                        r = parse_comment(p);
                        if (r == 0)
                                r = parse_list_end(p, ret);
                        if (r < 0 || (r == 1 && *ret != END_OF_TEXT))
                                return r < 0 ? r : 0;
                        if (r == 1)
                                continue;
                }
                node = *next = template_parser_alloc(p, 1, sizeof *node);
                if (!node)
                        return -ENOMEM;
                r = action ? parse_action(p, node) : parse_text(p, node);
                if (r < 0)
                        return r;
                next = &node->next;
        }
        *ret = END_OF_TEXT;
        return 0;
}

int template_parse(const char *text, struct template **ret, struct error *err)
{
        own_template struct template *t = calloc(1, sizeof *t);
        struct error ignored;
        struct template_parser p = { .t = t, .variables = { "$" }, .n_variables = 1, .err = err ? err : &ignored };
        enum list_end end = END_OF_TEXT;
        int r;

        if (!t)
                return error_set(err, ENOMEM, "out of memory");
        t->source = p.at = arena_strdup(&t->arena, text);
        if (!t->source)
                return error_set(err, ENOMEM, "out of memory");
        r = parse_list(&p, &t->first, &end);
        if (r < 0)
                return r;
        *ret = take_ptr(t);
        return 0;
}

bool template_calls_label(const struct template *t)
{
        return t->calls_label;
}

void template_free(struct template *t)
{
        if (!t)
                return;
        arena_finish(&t->arena);
        free(t);
}
