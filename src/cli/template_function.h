/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of templates: those of Go's text/template and Docker's. */
#pragma once

#include "cli/template_value.h"

struct template_run;

typedef int template_call(struct template_run *run, const struct template_value *v, size_t n,
                          struct template_value *ret);

struct template_function {
        const char *name;
        size_t min, max; /* operands, with what is piped in */
        /* NULL for and and or, which do not look at all of theirs. */
        template_call *call;
        bool is_and;
        bool keeps_titles; /* gives the title of a column as it is */
};

/* NULL when there is no such function. */
const struct template_function *template_function_find(const char *name, size_t len);

/* {{.Label "name"}}: "Label" is a member of the row, an object, and calling it looks one of its members up. */
extern const struct template_function template_label_method;

/* All names, for an error: "and, or, ...". */
void template_function_names(struct buf *out);

/* Each fails with -EINVAL or -ENOMEM and an error without the place. */
template_call template_call_eq, template_call_ne, template_call_lt, template_call_le, template_call_gt,
        template_call_ge;
template_call template_call_len, template_call_index, template_call_slice, template_call_label;
template_call template_call_json, template_call_upper, template_call_lower, template_call_title, template_call_pad,
        template_call_truncate;
template_call template_call_join, template_call_split;
template_call template_call_print, template_call_println, template_call_printf, template_call_not;
