/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/compare.h"
#include "cli/compare_processes.h"

/* ---- statistics ---- */

static struct compare_row row_of(struct compare_sample *samples, const uint64_t *values, size_t n)
{
        for (size_t i = 0; i < n; i++)
                samples[i].values[COMPARE_WORK] = values[i];
        return (struct compare_row){ .is_there = true, .samples = samples, .n = n };
}

static void test_figure(void **state)
{
        struct compare_sample samples[4] = {};
        struct compare_row row = row_of(samples, (const uint64_t[]){ 9, 1, 5 }, 3);
        struct compare_figure f = compare_figure(&row, COMPARE_WORK);

        assert_true(f.known);
        assert_int_equal(f.median, 5);
        assert_int_equal(f.min, 1);
        assert_int_equal(f.max, 9);
        row = row_of(samples, (const uint64_t[]){ 9, 1, 5, 6 }, 4);
        assert_int_equal(compare_figure(&row, COMPARE_WORK).median, 5);
        row = row_of(samples, (const uint64_t[]){ 2, COMPARE_UNKNOWN, 4 }, 3);
        assert_int_equal(compare_figure(&row, COMPARE_WORK).median, 3);
        row = row_of(samples, (const uint64_t[]){ COMPARE_UNKNOWN }, 1);
        assert_false(compare_figure(&row, COMPARE_WORK).known);
        assert_false(compare_figure(&(struct compare_row){}, COMPARE_WORK).known);
}

static bool is_near(double a, double b)
{
        return a - b < 1e-9 && b - a < 1e-9;
}

/* Of the rounds' ratios: what is slow for all in one round does not count. */
static void test_ratio(void **state)
{
        struct compare_sample have[3] = {}, base[3] = {};
        struct compare_row row = row_of(have, (const uint64_t[]){ 20, 4000, 30 }, 3),
                           bare = row_of(base, (const uint64_t[]){ 10, 2000, 10 }, 3);

        assert_true(is_near(compare_ratio(&row, &bare, COMPARE_WORK), 2));
        bare.n = 2;
        assert_true(is_near(compare_ratio(&row, &bare, COMPARE_WORK), 2));
        assert_true(is_near(compare_ratio(&row, &(struct compare_row){}, COMPARE_WORK), 0));
        bare = row_of(base, (const uint64_t[]){ 0, COMPARE_UNKNOWN, 10 }, 3);
        assert_true(is_near(compare_ratio(&row, &bare, COMPARE_WORK), 3));
}

static void test_values(void **state)
{
        const struct {
                enum compare_measure measure;
                uint64_t value;
                const char *text;
        } cases[] = {
                { COMPARE_START, 0, "0.00 ms" },           { COMPARE_START, 812345, "0.81 ms" },
                { COMPARE_START, 9994000, "9.99 ms" },     { COMPARE_START, 9996000, "10.0 ms" },
                { COMPARE_WORK, 99960000, "100 ms" },      { COMPARE_WORK, 999400000, "999 ms" },
                { COMPARE_WORK, 999600000, "1.00 s" },     { COMPARE_CPU, 123000000000, "123 s" },
                { COMPARE_MEMORY, 3 << 19, "1.5MiB" },     { COMPARE_DISK, 0, "0B" },
                { COMPARE_MEMORY, COMPARE_UNKNOWN, "--" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                own_buf struct buf out = {};

                compare_add_value(&out, cases[i].measure, cases[i].value);
                assert_string_equal(buf_str(&out), cases[i].text);
        }
}

static void test_spread_and_ratio(void **state)
{
        const struct compare_figure f = { true, 1000000000, 9000000, 2500000000 };
        own_buf struct buf out = {};

        compare_add_spread(&out, &f);
        compare_add_ratio(&out, 0);
        compare_add_ratio(&out, 1.0249);
        compare_add_ratio(&out, 134.4);
        assert_string_equal(buf_str(&out), "0.01..2.50x1.02x134");
}

/* ---- what is printed ---- */

static struct compare_report report_of(struct compare_work *w)
{
        struct compare_report r = { .accelerator = "kvm", .rounds = 1, .works = w, .n_works = 1 };

        strcpy(r.host.cpu, "<script>alert('x')</script>");
        return r;
}

static void test_page_has_no_stranger_s_markup(void **state)
{
        struct compare_sample sample = {};
        struct compare_work w = { .name = "command", .what = "a \"quoted\" & <img src=x>" };
        struct compare_report r = report_of(&w);
        own_buf struct buf out = {};

        w.rows[COMPARE_BARE] = (struct compare_row){ .is_there = true, .samples = &sample, .n = 1 };
        buf_add_str(&r.notes, "</ul><b>note\n");
        compare_write_html(&r, &out);
        assert_null(strstr(buf_str(&out), "<script"));
        assert_null(strstr(buf_str(&out), "<img"));
        assert_null(strstr(buf_str(&out), "<b>note"));
        assert_null(strstr(buf_str(&out), "http:"));
        assert_non_null(strstr(buf_str(&out), "a &quot;quoted&quot; &amp; &lt;img src=x&gt;"));
        assert_non_null(strstr(buf_str(&out), "&lt;script&gt;alert(&#39;x&#39;)"));
        buf_finish(&r.notes);
}

/* A terminal gets no command of a stranger's. */
static void test_table_is_harmless(void **state)
{
        struct compare_sample sample = {};
        struct compare_work w = { .name = "command", .what = "\033[2J\n" };
        struct compare_report r = report_of(&w);
        own_buf struct buf out = {};

        w.rows[COMPARE_CONTAINER] = (struct compare_row){ .is_there = true, .samples = &sample, .n = 1 };
        compare_write_table(&r, &out);
        assert_null(strchr(buf_str(&out), '\033'));
}

static void test_json_is_json(void **state)
{
        struct compare_sample sample = { .values = { [COMPARE_MEMORY] = COMPARE_UNKNOWN } };
        struct compare_work w = { .name = "a\"b", .what = "\xff" };
        struct compare_report r = report_of(&w);
        own_json struct json_object *root = NULL;
        own_buf struct buf out = {};
        struct json_object *works = NULL;

        w.rows[COMPARE_VM] = (struct compare_row){ .is_there = true, .samples = &sample, .n = 1 };
        compare_write_json(&r, &out);
        assert_int_equal(json_parse(out.data, out.len, &root, NULL), 0);
        assert_int_equal(json_get_array(root, "Works", &works, NULL), 1);
        assert_int_equal(json_array_size(works), 1);
        assert_non_null(strstr(buf_str(&out), "null"));
}

/* ---- processes ---- */

static void test_own_process(void **state)
{
        const struct compare_family f = { getpid(), { COMPARE_MACHINE, COMPARE_PARTS, COMPARE_PARTS } };
        struct compare_look look = {};

        assert_int_equal(compare_parent_of(getpid()), getppid());
        assert_true(compare_parent_of(-7) < 0);
        assert_int_equal(compare_look(&f, &look), 0);
        assert_true(look.cpu[COMPARE_MACHINE] > 0);
        assert_true(look.memory[COMPARE_MACHINE] > 0);
        assert_int_equal(look.memory[COMPARE_SHIM], 0);
        assert_false(look.hidden);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_figure),
                cmocka_unit_test(test_ratio),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_spread_and_ratio),
                cmocka_unit_test(test_page_has_no_stranger_s_markup),
                cmocka_unit_test(test_table_is_harmless),
                cmocka_unit_test(test_json_is_json),
                cmocka_unit_test(test_own_process),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
