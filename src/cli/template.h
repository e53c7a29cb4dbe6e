/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's text/template over a JSON value, as Docker's --format has it: text, {{.Field.Of.Field}}, {{range}}, {{if}},
 * {{with}}, variables, pipelines, comparisons and Docker's functions (template_function.c). "\t" and "\n" in the text
 * stand for a tab and a newline. Left out are templates inside of templates, call, html, js and urlquery. upper, lower
 * and title change ASCII alone.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct template;

/* -EMISUSED for what is not understood; the error begins with "template:LINE:COLUMN: ". */
int template_parse(const char *text, struct template **ret, struct error *err);
void template_free(struct template *t);

static inline void template_free_(struct template **t)
{
        template_free(*t);
}
#define own_template __attribute__((cleanup(template_free_)))

/* Whether {{.Label "name"}} stands in it, for which the value needs "Label", an object. */
bool template_calls_label(const struct template *t);

/*
 * Appends what the template makes of the value; no newline of its own. -EINVAL for a field that is not there (in a map
 * of people's own keys, as Labels, it is "<no value>"), for what Go refuses too, and for what grows beyond all measure
 * (template_run.h).
 */
int template_execute(const struct template *t, struct json_object *root, struct buf *out, struct error *err);

/*
 * The same with an object of the columns' titles, which functions that change a text leave alone; what does not suit a
 * title ends the line: -EINVAL only for a field that is not there.
 */
int template_execute_titles(const struct template *t, struct json_object *titles, struct buf *out, struct error *err);
