/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How commands show rows: --format table, json, "table TEMPLATE" or TEMPLATE. A row is a JSON object; "json" prints one
 * a line, as Docker does.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/template.h"

struct format_field {
        const char *name, *title; /* "ID", "IMAGE ID" */
};

struct format {
        struct template *template;
        bool is_table;
        struct buf lines;
};

#define own_format __attribute__((cleanup(format_finish)))

/*
 * given: the value of --format or NULL. usual: the template of "table", cells separated by "\t". fields: what a row has
 * and what stands above its column; ends with a NULL name. The titles are printed first, unless no_titles.
 */
int format_open(struct format *f, const char *given, const char *usual, const struct format_field *fields,
                bool no_titles, struct error *err);
void format_finish(struct format *f);

/* Whether rows need "Label", an object of labels: for {{.Label "name"}}. Its field has no title. */
bool format_wants_labels(const struct format *f);

/* Writes "Label" if it is wanted. labels: "NAME=VALUE", NULL-terminated, or NULL; of two with one name the last counts.
 */
void format_write_labels(const struct format *f, const char *const *labels, struct json_writer *w);

/* row: a JSON object as text. */
int format_add(struct format *f, const struct buf *row, struct error *err);

/* Appends everything: of a table all columns are as wide as their widest cell. */
int format_write(struct format *f, struct buf *out, struct error *err);
