/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/misuse.h"

static const char image[] =
        "{\"ID\":\"0123\",\"Repository\":\"debian\",\"Tag\":\"12\",\"Size\":7,\"Big\":18446744073709551615,"
        "\"Ratio\":1.5,\"On\":true,\"Nothing\":null,"
        "\"Config\":{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"z.y\":\"last\",\"a\":\"first\"},\"Cmd\":[]}}";

/* What the template makes of the image, or the error. */
static const char *run(const char *text, struct buf *out)
{
        own_template struct template *t = NULL;
        own_json struct json_object *root = NULL;
        struct error err = {};
        int r;

        out->len = 0;
        assert_int_equal(json_parse(image, sizeof image - 1, &root, &err), 0);
        r = template_parse(text, &t, &err);
        if (r == 0)
                r = template_execute(t, root, out, &err);
        if (r < 0) {
                assert_int_equal(r, -err.code);
                out->len = 0;
                buf_add_str(out, err.text);
        }
        return buf_str(out);
}

static void test_templates(void **state)
{
        static const char *const cases[][2] = {
                { "", "" },
                { "plain", "plain" },
                { "{{.ID}}", "0123" },
                { "{{ .Repository }}:{{.Tag}}", "debian:12" },
                { "a\\tb\\nc\\d", "a\tb\nc\\d" },
                { "{{.Size}} {{.Big}} {{.Ratio}} {{.On}} {{.Nothing}}", "7 18446744073709551615 1.5 true <no value>" },
                { "{{.Config.Env}}", "[A=1 B=2]" },
                { "{{.Config.Cmd}}", "[]" },
                { "{{.Config.Labels}}", "map[a:first z.y:last]" },
                { "{{json .Config.Env}}", "[\"A=1\",\"B=2\"]" },
                { "{{json .ID}}{{json 3}}{{json \"x\\\"\"}}", "\"0123\"3\"x\\\"\"" },
                { "{{upper .Repository}} {{lower \"ABC\"}}", "DEBIAN abc" },
                { "{{.Repository | upper | lower | json}}", "\"debian\"" },
                { "{{len .Config.Env}} {{len .ID}} {{len .Config}} {{.ID | len}}", "2 4 3 4" },
                { "{{index .Config.Labels \"z.y\"}}|{{index .Config.Labels `none`}}|{{index .Config.Env 1}}",
                  "last||B=2" },
                { "{{index . \"Config\" \"Env\" 0}}", "A=1" },
                { "{{join .Config.Env \",\"}}", "A=1,B=2" },
                { "{{\"}}\"}}{{`raw\\n`}}{{\"tab\\t\"}}", "}}raw\\ntab\t" },
                { "a}}b", "a}}b" },
        };
        own_buf struct buf out = {};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(run(cases[i][0], &out), cases[i][1]);
        assert_string_equal(run("{{json .}}", &out), image);
}

static void test_template_errors(void **state)
{
        static const char *const cases[][2] = {
                { "{{.Foo}}",
                  "template: no field \"Foo\"; there are ID, Repository, Tag, Size, Big, Ratio, On, Nothing, Config" },
                { "{{.ID.Foo}}", "template: no field \"Foo\": what it is looked for in has no fields" },
                { "{{range .Config.Env}}x{{end}}", "template: \"range\" is not understood; there are fields (.Name), "
                                                   "strings, numbers, pipelines and json, "
                                                   "upper, lower, len, index, join" },
                { "{{.ID", "template: \"}}\" is missing" },
                { "{{", "template: one value has to stand between {{ and }}" },
                { "{{}}", "template: one value has to stand between {{ and }}" },
                { "{{.ID .Tag}}", "template: one value has to stand between {{ and }}" },
                { "{{json}}", "template: wrong number of values for json" },
                { "{{.ID | json .ID}}", "template: wrong number of values for json" },
                { "{{\"abc}}", "template: a string does not end" },
                { "{{\"\\q\"}}", "template: unknown escape \"\\q\"" },
                { "{{.ID..Tag}}", "template: a name has to follow at \"..Tag}}\"" },
                { "{{99999999999999999999}}", "template: bad number 99999999999999999999" },
                { "{{len 5}}", "template: len of what has no length" },
                { "{{index .Config.Env 2}}", "template: index: 2 is out of range" },
                { "{{index .ID 0}}", "template: index: neither a list and a number nor a map and a key" },
                { "{{join .ID \",\"}}", "template: join: not a list" },
        };
        own_buf struct buf out = {};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(run(cases[i][0], &out), cases[i][1]);
}

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
                            "IMAGE ID        name\n1               gr\u00fc\u00dfe\n2345678901234   b\n");
        assert_string_equal(show("json", false, &out),
                            "{\"ID\":\"1\",\"Name\":\"gr\u00fc\u00dfe\"}\n{\"ID\":\"2345678901234\",\"Name\":\"b\"}\n");
        assert_string_equal(show("{{.ID}}\\tx", false, &out), "1\tx\n2345678901234\tx\n");
        assert_string_equal(show("{{.Tag}}", false, &out), "template: no field \"Tag\"; there are ID, Name");
        assert_string_equal(show("table {{.Tag}}", false, &out), "template: no field \"Tag\"; there are ID, Name");
        assert_string_equal(show("tables", false, &out), "tables\ntables\n");
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
                cmocka_unit_test(test_templates), cmocka_unit_test(test_template_errors),
                cmocka_unit_test(test_formats),   cmocka_unit_test(test_many_columns),
                cmocka_unit_test(test_filters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
