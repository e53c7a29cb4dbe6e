/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"
#include "cli/progress.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define SHOW "\r\033[J"

/* What one report writes. */
static const char *step(struct progress *p, struct buf *out, const char *id, const char *state, uint64_t done,
                        uint64_t total, uint64_t now, unsigned columns, unsigned rows)
{
        struct transfer_progress report = { .id = id, .state = state, .done = done, .total = total };

        out->len = 0;
        buf_add_str(out, "");
        assert_int_equal(progress_update(p, &report, now, (struct progress_size){ columns, rows }, out), 0);
        return out->len ? buf_str(out) : "";
}

static void test_plain(void **state)
{
        own_progress struct progress *p = progress_new(PROGRESS_PLAIN, "downloading");
        own_buf struct buf out = {};

        assert_string_equal(step(p, &out, A, "waiting", 0, 0, 1, 80, 24), "");
        assert_string_equal(step(p, &out, A, "transferring", 1, 5, 2, 80, 24), "");
        assert_string_equal(step(p, &out, A, "retrying", 1, 5, 3, 80, 24), "aaaaaaaaaaaa: retrying\n");
        assert_string_equal(step(p, &out, A, "done", 5, 5, 4, 80, 24), "aaaaaaaaaaaa: done\n");
        assert_string_equal(step(p, &out, A, "done", 5, 5, 5, 80, 24), "");
        assert_string_equal(step(p, &out, B, "exists", 0, 0, 6, 80, 24), "bbbbbbbbbbbb: already exists\n");
        assert_string_equal(step(p, &out, "blobs/sha256/0123456789abcdef", "done", 1, 1, 7, 80, 24),
                            "0123456789ab: done\n");
        assert_string_equal(step(p, &out, "0123456789abcdef/layer.tar", "done", 1, 1, 8, 80, 24),
                            "0123456789ab: done\n");
        assert_string_equal(step(p, &out, "rootfs", "done", 1, 1, 9, 80, 24), "rootfs: done\n");
}

static void test_json(void **state)
{
        own_progress struct progress *p = progress_new(PROGRESS_JSON, "downloading");
        own_buf struct buf out = {};

        assert_string_equal(step(p, &out, A, "transferring", 1, 5, 1, 80, 24),
                            "{\"id\":\"" A "\",\"state\":\"transferring\",\"done\":1,\"total\":5}\n");
}

static void test_none(void **state)
{
        own_progress struct progress *p = progress_new(PROGRESS_NONE, "downloading");
        own_buf struct buf out = {};

        assert_string_equal(step(p, &out, A, "done", 5, 5, 1, 80, 24), "");
}

static void test_terminal(void **state)
{
        own_progress struct progress *p = progress_new(PROGRESS_TTY, "downloading");
        own_buf struct buf out = {};

        assert_string_equal(step(p, &out, A, "transferring", 0, 2000000, 1000, 80, 24),
                            SHOW "aaaaaaaaaaaa: downloading ["
                                 "                          "
                                 "] 0B/2MB\n");
        /* Ten times a second at most. */
        assert_string_equal(step(p, &out, A, "transferring", 500000, 2000000, 1099, 80, 24), "");
        assert_string_equal(step(p, &out, A, "transferring", 1000000, 2000000, 1500, 80, 24),
                            "\033[1A" SHOW "aaaaaaaaaaaa: downloading ["
                            "============>             "
                            "] 1MB/2MB  2MB/s\n");
        assert_string_equal(step(p, &out, B, "waiting", 0, 0, 1600, 80, 24),
                            "\033[1A" SHOW "aaaaaaaaaaaa: downloading ["
                            "============>             "
                            "] 1MB/2MB  2MB/s\n"
                            "bbbbbbbbbbbb: waiting\n");
        assert_string_equal(step(p, &out, B, "exists", 0, 0, 1601, 80, 24), "");
        out.len = 0;
        progress_line(p, "a warning", &out);
        assert_string_equal(buf_str(&out), "\033[2A" SHOW "a warning\n");
        out.len = 0;
        progress_end(p, (struct progress_size){ 80, 24 }, &out);
        assert_non_null(strstr(buf_str(&out), "\nbbbbbbbbbbbb: already exists\n"));
        assert_null(strstr(buf_str(&out), "A" SHOW));
}

/* No line is ever wider than the terminal. */
static void test_narrow(void **state)
{
        own_buf struct buf out = {};

        for (unsigned columns = 1; columns < 120; columns++) {
                own_progress struct progress *p = progress_new(PROGRESS_TTY, "downloading");
                const char *line, *text;

                step(p, &out, A, "transferring", 10, 0, 1000, columns, 24);
                text = step(p, &out, A, "transferring", 123456789, 1234567890, 2000, columns, 24);
                line = strstr(text, "\033[J");
                assert_non_null(line);
                line += strlen("\033[J");
                assert_true(strcspn(line, "\n") <= columns);
                if (columns >= 80)
                        assert_non_null(strstr(line, "=>"));
                if (columns == 48)
                        assert_string_equal(line, "aaaaaaaaaaaa: downloading 123.5MB/1.235GB\n");
        }
}

/* What scrolled off the screen cannot be drawn again. */
static void test_more_than_rows(void **state)
{
        own_progress struct progress *p = progress_new(PROGRESS_TTY, "downloading");
        own_buf struct buf out = {};

        step(p, &out, A, "done", 1, 1, 1000, 40, 3);
        step(p, &out, B, "waiting", 0, 0, 2000, 40, 3);
        assert_string_equal(step(p, &out, C, "waiting", 0, 0, 3000, 40, 3),
                            "\033[2A" SHOW "aaaaaaaaaaaa: done\nbbbbbbbbbbbb: waiting\ncccccccccccc: waiting\n");
        assert_string_equal(step(p, &out, "dd", "waiting", 0, 0, 4000, 40, 3),
                            "\033[2A" SHOW "bbbbbbbbbbbb: waiting\n...\n");
        out.len = 0;
        progress_end(p, (struct progress_size){ 40, 3 }, &out);
        assert_string_equal(buf_str(&out),
                            "\033[2A" SHOW "bbbbbbbbbbbb: waiting\ncccccccccccc: waiting\ndd: waiting\n");
}

static void test_modes(void **state)
{
        enum progress_mode mode;
        struct error err = {};

        assert_int_equal(progress_mode_parse("json", -1, &mode, &err), 0);
        assert_int_equal(mode, PROGRESS_JSON);
        assert_int_equal(progress_mode_parse("tty", -1, &mode, &err), 0);
        assert_int_equal(mode, PROGRESS_TTY);
        assert_int_equal(progress_mode_parse(NULL, -1, &mode, &err), 0);
        assert_int_equal(mode, PROGRESS_PLAIN);
        assert_int_equal(progress_mode_parse("fancy", -1, &mode, &err), -EMISUSED);
        assert_string_equal(err.text, "option --progress: invalid value \"fancy\"");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),    cmocka_unit_test(test_json),   cmocka_unit_test(test_none),
                cmocka_unit_test(test_terminal), cmocka_unit_test(test_narrow), cmocka_unit_test(test_more_than_rows),
                cmocka_unit_test(test_modes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
