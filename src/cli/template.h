/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of Go's text/template, as Docker's --format has it: text, {{.Field.Of.Field}}, {{.}}, functions and pipelines
 * ({{.ID | upper}}), over a JSON value. Functions: json, upper, lower, len, index, join. "\t" and "\n" in the text
 * stand for a tab and a newline. What is not understood (range, if, variables) is an error, not text.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct template;

int template_parse(const char *text, struct template **ret, struct error *err);
void template_free(struct template *t);

static inline void template_free_(struct template **t)
{
        template_free(*t);
}
#define own_template __attribute__((cleanup(template_free_)))

/* Appends what the template makes of the value; no newline of its own. -EINVAL for a field that is not there. */
int template_execute(const struct template *t, struct json_object *root, struct buf *out, struct error *err);

/* The value as Go prints it: "[a b]", "map[k:v]". */
int template_add_value(struct buf *out, struct json_object *v);
