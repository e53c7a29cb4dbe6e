/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "container/criu_message.h"

static void expect_bytes(const struct buf *b, const char *bytes, size_t n)
{
        assert_false(buf_failed(b));
        assert_int_equal(b->len, n);
        assert_memory_equal(b->data, bytes, n);
}

#define EXPECT(b, literal) expect_bytes(b, literal, sizeof(literal) - 1)

/* The bytes by hand, from https://protobuf.dev/programming-guides/encoding/ */
static void test_options(void **state)
{
        own_buf struct buf b = {};

        criu_add_number(&b, CRIU_PID, 300);
        criu_add_text(&b, CRIU_LOG_FILE, "x");
        criu_add_text(&b, CRIU_ROOT, NULL);
        EXPECT(&b, "\x10\xac\x02\x52\x01x");
}

static void test_large_field_and_number(void **state)
{
        own_buf struct buf b = {};

        criu_add_number(&b, CRIU_EMPTY_NS, 0x40000000);
        criu_add_number(&b, CRIU_PID, UINT64_MAX);
        EXPECT(&b, "\xb0\x02\x80\x80\x80\x80\x04\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

static void test_messages_in_it(void **state)
{
        own_buf struct buf b = {};

        criu_add_pair(&b, CRIU_EXT_MNT, "/a", "/b");
        criu_add_pair(&b, CRIU_CG_ROOT, NULL, "/");
        criu_add_numbered(&b, CRIU_INHERIT_FD, "pipe:[1]", 2);
        EXPECT(&b, "\xba\x01\x08\x0a\x02/a\x12\x02/b"
                   "\xca\x01\x03\x12\x01/"
                   "\xda\x01\x0c\x0a\x08pipe:[1]\x10\x02");
}

static void test_requests(void **state)
{
        own_buf struct buf opts = {}, request = {}, yes = {}, no = {};

        criu_add_number(&opts, CRIU_IMAGES_DIR_FD, 101);
        criu_request(&request, CRIU_RESTORE, &opts);
        EXPECT(&request, "\x08\x02\x12\x02\x08\x65");
        criu_reply(&yes, true);
        EXPECT(&yes, "\x08\x06\x18\x01");
        criu_reply(&no, false);
        EXPECT(&no, "\x08\x06\x18\x00");
}

static void test_failed_options_fail_the_request(void **state)
{
        own_buf struct buf opts = { .failed = true }, request = {};

        criu_request(&request, CRIU_DUMP, &opts);
        assert_true(buf_failed(&request));
}

#define PARSE(literal, ret) criu_response_parse(literal, sizeof(literal) - 1, ret)

static void test_notification(void **state)
{
        struct criu_response r;

        assert_int_equal(PARSE("\x08\x06\x10\x01\x2a\x11\x0a\x0cpost-restore\x10\xac\x02", &r), 0);
        assert_int_equal(r.type, CRIU_NOTIFY);
        assert_true(r.success);
        assert_string_equal(r.script, "post-restore");
        assert_int_equal(r.pid, 300);
}

static void test_failure(void **state)
{
        struct criu_response r;

        /* restore { pid: -1 } is ten bytes; cr_errno; cr_errmsg */
        assert_int_equal(
                PARSE("\x08\x02\x10\x00\x22\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x38\x11\x4a\x03no!", &r),
                0);
        assert_int_equal(r.type, CRIU_RESTORE);
        assert_false(r.success);
        assert_string_equal(r.message, "no!");
        assert_string_equal(r.script, "");
}

static void test_unknown_fields_are_skipped(void **state)
{
        struct criu_response r;

        assert_int_equal(PARSE("\x08\x01\xa1\x06"
                               "12345678"
                               "\xa5\x06"
                               "1234"
                               "\xa2\x06\x02hi\x10\x01",
                               &r),
                         0);
        assert_true(r.success);
}

static void test_long_texts_are_cut(void **state)
{
        struct criu_response r;
        char bytes[2 + 3 + 300] = "\x10\x01\x4a\xac\x02";

        memset(bytes + 5, 'x', 300);
        assert_int_equal(criu_response_parse(bytes, sizeof bytes, &r), 0);
        assert_int_equal(strlen(r.message), sizeof r.message - 1);
}

static void test_malformed(void **state)
{
        static const struct {
                const char *bytes;
                size_t n;
        } bad[] = {
                { "\x08", 1 },                                              /* no value */
                { "\x08\x80", 2 },                                          /* an unfinished one */
                { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* one of more than 64 bits */
                { "\x2a\x05\x0a", 3 },                                      /* a message longer than the packet */
                { "\x2a\x02\x0a\x09", 4 },                                  /* a text longer than its message */
                { "\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },     /* a huge length */
                { "\x0b", 1 },                                              /* a group */
                { "\x09\x01", 2 },                                          /* half of a fixed64 */
        };

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct criu_response r = { .pid = 7 };

                assert_int_equal(criu_response_parse(bad[i].bytes, bad[i].n, &r), -EBADMSG);
                assert_int_equal(r.pid, 7);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_large_field_and_number),
                cmocka_unit_test(test_messages_in_it),
                cmocka_unit_test(test_requests),
                cmocka_unit_test(test_failed_options_fail_the_request),
                cmocka_unit_test(test_notification),
                cmocka_unit_test(test_failure),
                cmocka_unit_test(test_unknown_fields_are_skipped),
                cmocka_unit_test(test_long_texts_are_cut),
                cmocka_unit_test(test_malformed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
