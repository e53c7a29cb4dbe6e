/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/template_function.h"

#include <string.h>

#include "base/own.h"
#include "cli/template_nodes.h"

enum { ANY = TEMPLATE_MAX_OPERANDS };

static const struct template_function functions[] = {
        { "and", 1, ANY, NULL, .is_and = true },
        { "or", 1, ANY, NULL },
        { "not", 1, 1, template_call_not },
        { "eq", 2, ANY, template_call_eq },
        { "ne", 2, 2, template_call_ne },
        { "lt", 2, 2, template_call_lt },
        { "le", 2, 2, template_call_le },
        { "gt", 2, 2, template_call_gt },
        { "ge", 2, 2, template_call_ge },
        { "index", 1, ANY, template_call_index },
        { "len", 1, 1, template_call_len },
        { "slice", 1, 3, template_call_slice, .keeps_titles = true },
        { "print", 0, ANY, template_call_print },
        { "printf", 1, ANY, template_call_printf },
        { "println", 0, ANY, template_call_println },
        { "json", 1, 1, template_call_json, .keeps_titles = true },
        { "join", 2, 2, template_call_join },
        { "split", 2, 2, template_call_split },
        { "lower", 1, 1, template_call_lower, .keeps_titles = true },
        { "upper", 1, 1, template_call_upper, .keeps_titles = true },
        { "title", 1, 1, template_call_title, .keeps_titles = true },
        { "pad", 3, 3, template_call_pad },
        { "truncate", 2, 2, template_call_truncate, .keeps_titles = true },
};

const struct template_function template_label_method = { "Label", 2, 2, template_call_label };

const struct template_function *template_function_find(const char *name, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
                if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0)
                        return &functions[i];
        }
        return NULL;
}

void template_function_names(struct buf *out)
{
        for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
                buf_addf(out, "%s%s", i ? ", " : "", functions[i].name);
}
