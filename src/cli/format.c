/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/format.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/label_map.h"
#include "cli/table.h"

static int add_line(struct format *f, const struct buf *row, bool titles, struct error *err)
{
        own_json struct json_object *json = NULL;
        int r;

        if (buf_failed(row))
                return error_set(err, ENOMEM, "out of memory");
        r = json_parse(buf_str(row), row->len, &json, err);
        if (r == 0)
                r = titles ? template_execute_titles(f->template, json, &f->lines, err)
                           : template_execute(f->template, json, &f->lines, err);
        buf_add(&f->lines, "\n", 1);
        return r;
}

static int add_titles(struct format *f, const struct format_field *fields, struct error *err)
{
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };

        json_begin_object(&w, NULL);
        for (; fields->name; fields++)
                json_write_string(&w, fields->name, fields->title);
        json_end_object(&w);
        return add_line(f, &row, true, err);
}

/* "table TEMPLATE": the template, or NULL. */
static const char *table_template(const char *given)
{
        if (strncmp(given, "table", 5) != 0 || !strchr(" \t\\", given[5]) || !given[5])
                return NULL;
        return given + 5 + strspn(given + 5, " ");
}

int format_open(struct format *f, const char *given, const char *usual, const struct format_field *fields,
                bool no_titles, struct error *err)
{
        struct format opened = {};
        const char *text = given;
        int r;

        if (!given || strcmp(given, "table") == 0)
                text = usual;
        else if (strcmp(given, "json") == 0)
                text = "{{json .}}";
        else if (table_template(given))
                text = table_template(given);
        opened.is_table = text == usual || (given && text == table_template(given));
        r = template_parse(text, &opened.template, err);
        if (r < 0)
                error_wrap(err, "option --format");
        if (r == 0 && opened.is_table && !no_titles)
                r = add_titles(&opened, fields, err);
        if (r < 0) {
                format_finish(&opened);
                return r;
        }
        *f = opened;
        return 0;
}

void format_finish(struct format *f)
{
        template_free(f->template);
        buf_finish(&f->lines);
        *f = (struct format){};
}

bool format_wants_labels(const struct format *f)
{
        return template_calls_label(f->template);
}

void format_write_labels(const struct format *f, const char *const *labels, struct json_writer *w)
{
        if (format_wants_labels(f))
                label_map_write(w, "Label", labels);
}

int format_add(struct format *f, const struct buf *row, struct error *err)
{
        return add_line(f, row, false, err);
}

/* Cuts the line at tabs; what is too much stays in the last cell. */
static size_t split_line(char *line, const char *cells[TABLE_MAX_COLUMNS])
{
        size_t n = 0;

        for (char *tab; n < TABLE_MAX_COLUMNS; line = tab + 1) {
                tab = n + 1 < TABLE_MAX_COLUMNS ? strchr(line, '\t') : NULL;
                cells[n++] = line;
                if (!tab)
                        break;
                *tab = '\0';
        }
        return n;
}

static int count_columns(const char *lines)
{
        size_t most = 1, n = 1;

        for (; *lines; lines++) {
                n = *lines == '\n' ? 1 : n + (*lines == '\t');
                if (n > most)
                        most = n;
        }
        return (int)(most > TABLE_MAX_COLUMNS ? TABLE_MAX_COLUMNS : most);
}

int format_write(struct format *f, struct buf *out, struct error *err)
{
        own_table struct table table = { .min_width = 10, .gap = 3 };
        char *rest, *line;

        if (buf_failed(&f->lines))
                return error_set(err, ENOMEM, "out of memory");
        if (!f->is_table || !f->lines.len) {
                buf_add(out, buf_str(&f->lines), f->lines.len);
                return 0;
        }
        table.columns = (size_t)count_columns(f->lines.data);
        for (rest = f->lines.data; *rest;) {
                const char *cells[TABLE_MAX_COLUMNS] = {};

                line = strsep(&rest, "\n");
                split_line(line, cells);
                if (table_add(&table, cells) < 0)
                        return error_set(err, ENOMEM, "out of memory");
        }
        table_write(&table, out);
        return 0;
}
