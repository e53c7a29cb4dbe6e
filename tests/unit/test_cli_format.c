/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/misuse.h"

static const struct format_field fields[] = { { "ID", "IMAGE ID" }, { "Name", "NAME" }, {} };

static const char *show(const char *format, bool no_titles, struct buf *out)
{
        static const char *const rows[] = { "{\"ID\":\"1\",\"Name\":\"gr\u00fc\u00dfe\"}",
                                            "{\"ID\":\"2345678901234\",\"Name\":\"b\"}" };
        own_format struct format f = {};
        struct error err = {};
        int r = format_open(&f, format, "{{.Name}}\t{{.ID}}\t{{.Name}}", fields, no_titles, &err);

        out->len = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++) {
                own_buf struct buf row = {};

                buf_add_str(&row, rows[i]);
                r = format_add(&f, &row, &err);
        }
        if (r == 0)
                r = format_write(&f, out, &err);
        if (r < 0)
                buf_add_str(out, err.text);
        return buf_str(out);
}

static void test_formats(void **state)
{
        own_buf struct buf out = {};
        static const char table[] = "NAME      IMAGE ID        NAME\n"
                                    "gr\u00fc\u00dfe     1               gr\u00fc\u00dfe\n"
                                    "b         2345678901234   b\n";

        assert_string_equal(show(NULL, false, &out), table);
        assert_string_equal(show("table", false, &out), table);
        assert_string_equal(show("table", true, &out), strchr(table, '\n') + 1);
        assert_string_equal(show("table {{.ID}}\\t{{lower .Name}}", false, &out),
                            "IMAGE ID        NAME\n1               gr\u00fc\u00dfe\n2345678901234   b\n");
        assert_string_equal(show("json", false, &out),
                            "{\"ID\":\"1\",\"Name\":\"gr\u00fc\u00dfe\"}\n{\"ID\":\"2345678901234\",\"Name\":\"b\"}\n");
        assert_string_equal(show("{{.ID}}\\tx", false, &out), "1\tx\n2345678901234\tx\n");
        assert_string_equal(show("{{.Tag}}", false, &out), "template:1:3: no field \"Tag\"; there are ID, Name");
        assert_string_equal(show("table {{.Tag}}", false, &out), "template:1:3: no field \"Tag\"; there are ID, Name");
        assert_string_equal(show("tables", false, &out), "tables\ntables\n");
}

/* Functions leave a title alone, and what fails on it alone ends the line. */
static void test_titles(void **state)
{
        own_buf struct buf out = {};

        assert_string_equal(show("table {{truncate .ID 3}}\\t{{json .Name}}\\t{{slice .ID 0 1}}", false, &out),
                            "IMAGE ID   NAME      IMAGE ID\n1          \"gr\u00fc\u00dfe\"   1\n"
                            "234        \"b\"       2\n");
        assert_string_equal(show("table {{range split .ID \"3\"}}{{.}} {{end}}", false, &out),
                            "IMAGE ID \n1 \n2 456789012 4 \n");
        assert_string_equal(show("table {{.ID}}{{if eq .Name \"NAME\"}}{{index .Name 10}}{{end}}", false, &out),
                            "IMAGE ID\n1\n2345678901234\n");
}

static const char *show_labels(const char *format, struct buf *out)
{
        static const struct format_field with_labels[] = { { "ID", "ID" }, { "Label", "" }, {} };
        static const char *const labels[] = { "a.b-c=1", "bare", "a.b-c=2,3", NULL };
        own_buf struct buf row = {};
        own_format struct format f = {};
        struct json_writer w = { .out = &row };
        struct error err = {};
        int r = format_open(&f, format, "{{.ID}}", with_labels, false, &err);

        out->len = 0;
        json_begin_object(&w, NULL);
        json_write_string(&w, "ID", "x");
        if (r == 0)
                format_write_labels(&f, labels, &w);
        json_end_object(&w);
        if (r == 0)
                r = format_add(&f, &row, &err);
        if (r == 0)
                r = format_write(&f, out, &err);
        if (r < 0)
                buf_add_str(out, err.text);
        return buf_str(out);
}

static void test_labels(void **state)
{
        own_buf struct buf out = {};

        assert_string_equal(show_labels("{{.Label \"a.b-c\"}}|{{.Label \"bare\"}}|{{.Label \"none\"}}", &out),
                            "2,3||\n");
        assert_string_equal(show_labels("{{\"a.b-c\" | .Label | len}} {{$.Label (print \"a.b\" \"-c\")}}", &out),
                            "3 2,3\n");
        assert_string_equal(show_labels("table {{.ID}}\\t{{.Label \"a.b-c\"}}", &out),
                            "ID        b c\nx         2,3\n");
        assert_string_equal(show_labels("json", &out), "{\"ID\":\"x\"}\n");
        assert_string_equal(show_labels("{{.Label \"a\" \"b\"}}", &out),
                            "option --format: template:1:3: wrong number of values for Label");
        assert_string_equal(show_labels("{{.Label 1}}", &out), "template:1:3: Label: a string is needed, not a number");
        assert_string_equal(show("{{.Label \"a\"}}", false, &out),
                            "template:1:3: no field \"Label\"; there are ID, Name");
}

static void test_many_columns(void **state)
{
        own_buf struct buf out = {};

        show("table a\\tb\\tc\\td\\te\\tf\\tg\\th\\ti\\tj\\tk\\tl\\tm\\tn\\to\\tp\\tq", true, &out);
        assert_non_null(strstr(buf_str(&out), "o         p\tq\n"));
}

static void test_filters(void **state)
{
        static const char *const known[] = { "label", "until", "dangling", NULL };
        const char *list[] = { "label=a=b", "label!=c", "dangling=true", "until=", NULL };
        static const char *const bad[][2] = {
                { "label", "option --filter: \"label\" is not KEY=VALUE" },
                { "=x", "option --filter: \"=x\" is not KEY=VALUE" },
                { "size=1", "option --filter: invalid filter \"size\"" },
                { "until!=1", "option --filter: invalid filter \"until!\"" },
        };
        own_filters struct filters f = {}, none = {};
        struct error err = {};
        bool on = false;

        assert_int_equal(filters_read(list, known, &f, &err), 0);
        assert_int_equal(f.n, 4);
        assert_string_equal(f.items[0].key, "label");
        assert_string_equal(f.items[0].value, "a=b");
        assert_false(f.items[0].negated);
        assert_true(f.items[1].negated);
        assert_string_equal(f.items[1].value, "c");
        assert_string_equal(f.items[3].value, "");
        assert_int_equal(filter_bool(&f.items[2], &on, &err), 0);
        assert_true(on);
        assert_int_equal(filter_bool(&f.items[3], &on, &err), -EMISUSED);
        assert_true(filter_matches_label(&f.items[0], "a", "b"));
        assert_false(filter_matches_label(&f.items[0], "a", "bc"));
        assert_false(filter_matches_label(&f.items[0], "ab", "b"));
        assert_true(filter_matches_label(&f.items[1], "c", "anything"));
        assert_int_equal(filters_read(NULL, known, &none, &err), 0);
        assert_int_equal(none.n, 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct filters untouched = {};

                assert_int_equal(filters_read((const char *[]){ bad[i][0], NULL }, known, &untouched, &err), -EMISUSED);
                assert_string_equal(err.text, bad[i][1]);
                assert_null(untouched.items);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_formats),      cmocka_unit_test(test_titles),  cmocka_unit_test(test_labels),
                cmocka_unit_test(test_many_columns), cmocka_unit_test(test_filters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
