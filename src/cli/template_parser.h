/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a template; private to the template*.c files. */
#pragma once

#include "cli/template_nodes.h"

struct template_parser {
        struct template *t;
        const char *at;
        unsigned depth, loops;                         /* of what is open: parentheses and blocks; range */
        unsigned n_variables;                          /* that can be named here */
        const char *variables[TEMPLATE_MAX_VARIABLES]; /* with the "$" */
        bool trims;                                    /* the last action ended with "-}}" */
        struct error *err;
};

/* Fails with -EMISUSED and the place of `at`. */
#define template_refuse(p, at, ...) (error_set((p)->err, EMISUSED, __VA_ARGS__), template_refuse_(p, at))
int template_refuse_(struct template_parser *p, const char *at);

/* Zeroed, as long as the template; NULL with the error set. */
void *template_parser_alloc(struct template_parser *p, size_t count, size_t size);
/* The n bytes at p->at, which it steps over; NULL with the error set. */
const char *template_parser_take(struct template_parser *p, size_t n);

void template_skip_blanks(struct template_parser *p);
/* The bytes of the name at `at`, 0 when there is none. */
size_t template_name_len(const char *at);
/* "}}" or " -}}" is next, p->at standing behind the blanks. */
bool template_at_end(const struct template_parser *p);

/* "text", `text`, 'c' or a number; p->at stands on it. */
int template_parse_literal(struct template_parser *p, struct template_value *ret);

/* Up to "}}" or ")", which stay; `for_range` allows two variables. what: "if", for an error, or NULL. */
int template_parse_pipeline(struct template_parser *p, bool for_range, const char *what,
                            struct template_pipeline **ret);
