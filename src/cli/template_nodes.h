/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed template; private to the template*.c files. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "cli/template_function.h"
#include "cli/template_value.h"

enum { TEMPLATE_MAX_OPERANDS = 16, TEMPLATE_MAX_PATH = 16, TEMPLATE_MAX_VARIABLES = 32, TEMPLATE_MAX_DEPTH = 32 };

/* Each pos is a byte of the template, for errors. */
struct template_operand {
        struct template_operand *next;
        size_t pos;
        enum { OPERAND_DOT, OPERAND_VARIABLE, OPERAND_LITERAL, OPERAND_PIPELINE } kind;
        unsigned variable; /* 0 is "$" */
        struct template_value literal;
        struct template_pipeline *pipeline;
        const char **path; /* the fields behind it, up to NULL; NULL for none */
};

struct template_command {
        struct template_command *next;
        size_t pos;
        const struct template_function *function; /* NULL: the one operand's value */
        size_t n;                                 /* operands; what is piped in comes behind them */
        struct template_operand *operands;
};

struct template_pipeline {
        size_t pos;
        unsigned n_variables, variables[2]; /* that take its value, or what range takes from it */
        bool declares;                      /* := */
        struct template_command *first;
};

struct template_node {
        struct template_node *next;
        enum { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_WITH, NODE_RANGE, NODE_BREAK, NODE_CONTINUE } kind;
        struct template_value text;
        struct template_pipeline *pipeline;
        struct template_node *body, *otherwise;
};

struct template
{
        const char *source;
        bool calls_label;
        struct template_node *first;
        struct arena arena;
};

/* Puts "template:LINE:COLUMN: " before the error; returns -err->code. */
int template_place_error(const char *source, size_t pos, struct error *err);
