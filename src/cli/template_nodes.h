/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed template; private to the template*.c files. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { TEMPLATE_MAX_OPERANDS = 8, TEMPLATE_MAX_CALLS = 8, TEMPLATE_MAX_PATH = 16 };

enum template_function { CALL_VALUE, CALL_JSON, CALL_UPPER, CALL_LOWER, CALL_LEN, CALL_INDEX, CALL_JOIN };

struct template_operand {
        enum { OPERAND_FIELD, OPERAND_STRING, OPERAND_NUMBER } kind;
        const char *path[TEMPLATE_MAX_PATH + 1]; /* of a field; NULL-terminated, empty for "." */
        const char *string;
        uint64_t number;
};

struct template_call {
        enum template_function function;
        const char *name;
        size_t n_operands; /* what is piped in comes behind them */
        struct template_operand operands[TEMPLATE_MAX_OPERANDS];
};

struct template_node {
        struct template_node *next;
        const char *text; /* NULL: the calls */
        size_t n_calls;
        struct template_call *calls;
};

struct template
{
        struct template_node *first;
        struct arena arena;
};
