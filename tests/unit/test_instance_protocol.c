/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/protocol.h"

static void test_numbers(void **state)
{
        unsigned char b[4];

        protocol_put_u32(b, 0x01020304);
        assert_memory_equal(b, "\4\3\2\1", 4);
        assert_int_equal(protocol_u32(b), 0x01020304);
        assert_int_equal(protocol_u16(b), 0x0304);
}

static void test_frames_one_by_one(void **state)
{
        struct protocol_reader r = {};
        own_buf struct buf out = {};
        struct frame f;

        protocol_add(&out, PROTOCOL_STDIN, "abc", 3);
        protocol_add(&out, PROTOCOL_END, NULL, 0);
        for (size_t i = 0; i < out.len; i++) {
                assert_int_equal(protocol_next(&r, &f), 0);
                assert_int_equal(protocol_feed(&r, out.data + i, 1), 0);
                if (i == PROTOCOL_HEADER + 2) {
                        assert_int_equal(protocol_next(&r, &f), 1);
                        assert_int_equal(f.type, PROTOCOL_STDIN);
                        assert_int_equal(f.len, 3);
                        assert_memory_equal(f.payload, "abc", 3);
                }
        }
        assert_int_equal(protocol_next(&r, &f), 1);
        assert_int_equal(f.type, PROTOCOL_END);
        assert_int_equal(protocol_next(&r, &f), 0);
        protocol_reader_rest(&r);
        assert_null(r.data);
        protocol_reader_finish(&r);
}

/* Of what is no socket, with the session that it is for. */
static void test_sessions(void **state)
{
        struct protocol_reader r = {};
        own_buf struct buf out = {};
        int ends[2];
        struct frame f;

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(protocol_read(&r, ends[0], 64), -EAGAIN);
        protocol_add_to(&out, 65535, PROTOCOL_STDIN, "abc", 3);
        assert_int_equal(write(ends[1], out.data, out.len), out.len);
        assert_int_equal(protocol_read(&r, ends[0], 64), out.len);
        assert_int_equal(protocol_next(&r, &f), 1);
        assert_int_equal(f.session, 65535);
        assert_memory_equal(f.payload, "abc", 3);
        close(ends[1]);
        assert_int_equal(protocol_read(&r, ends[0], 64), 0);
        protocol_reader_finish(&r);
        close(ends[0]);
}

static int take_header(unsigned type, uint32_t len, bool may_start)
{
        struct protocol_reader r = { .may_start = may_start };
        unsigned char header[PROTOCOL_HEADER];
        struct frame f;
        int n;

        protocol_header(header, type, len);
        assert_int_equal(protocol_feed(&r, header, sizeof header), 0);
        n = protocol_next(&r, &f);
        protocol_reader_finish(&r);
        return n;
}

static void test_refuses(void **state)
{
        assert_int_equal(take_header(0, 0, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_RESET + 1, 0, true), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_RESET, 1, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_RENAME, PROTOCOL_MAX_NAME, false), 0);
        assert_int_equal(take_header(PROTOCOL_RENAME, PROTOCOL_MAX_NAME + 1, false), -EPROTO);
        assert_int_equal(take_header(65535, 0, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_STDIN, PROTOCOL_MAX_DATA, false), 0);
        assert_int_equal(take_header(PROTOCOL_STDIN, PROTOCOL_MAX_DATA + 1, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_STDIN, UINT32_MAX, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_SIGNAL, 3, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_SIGNAL, 4, false), 0);
        assert_int_equal(take_header(PROTOCOL_SIGNAL, 7, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_SIGNAL, 8, false), 0);
        assert_int_equal(take_header(PROTOCOL_CONFIGURE, 100, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_CONFIGURE, PROTOCOL_MAX_CONFIGURE, true), 0);
        assert_int_equal(take_header(PROTOCOL_CONFIGURE, PROTOCOL_MAX_CONFIGURE + 1, true), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_RESUME, 100, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_RESUME, PROTOCOL_MAX_CONFIGURE, true), 0);
        assert_int_equal(take_header(PROTOCOL_STATS, 1, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_SHUTDOWN, 0, false), 1);
        assert_int_equal(take_header(PROTOCOL_START, 100, false), -EPROTO);
        assert_int_equal(take_header(PROTOCOL_START, 100, true), 0);
        assert_int_equal(take_header(PROTOCOL_START, PROTOCOL_MAX_START + 1, true), -EPROTO);
}

/* More descriptors than fit into one message. */
static void test_descriptors(void **state)
{
        enum { N = 300 };
        struct protocol_reader r = { .may_start = true };
        own_buf struct buf out = {};
        int pair[2], fds[N], n;
        struct frame f;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        for (int i = 0; i < N; i++)
                fds[i] = pair[0];
        protocol_add(&out, PROTOCOL_START, "1234567890", 10);
        assert_int_equal(protocol_send_raw(pair[0], out.data, out.len, fds, N), 0);
        while ((n = protocol_next(&r, &f)) == 0)
                assert_true(protocol_receive(&r, pair[1], 64) > 0);
        assert_int_equal(n, 1);
        assert_memory_equal(f.payload, "1234567890", 10);
        assert_int_equal(r.n_fds, N);
        assert_true(fcntl(r.fds[N - 1], F_GETFD) & FD_CLOEXEC);
        protocol_reader_finish(&r);
        close(pair[0]);
        close(pair[1]);
}

/* Who may send none gets none through. */
static void test_no_descriptors(void **state)
{
        struct protocol_reader r = {};
        own_buf struct buf out = {};
        int pair[2];
        struct frame f;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        protocol_add(&out, PROTOCOL_END, NULL, 0);
        assert_int_equal(protocol_send_raw(pair[0], out.data, out.len, pair, 2), 0);
        assert_int_equal(protocol_receive(&r, pair[1], 64), PROTOCOL_HEADER);
        assert_int_equal(protocol_next(&r, &f), 1);
        assert_int_equal(r.n_fds, 0);
        protocol_reader_finish(&r);
        close(pair[0]);
        close(pair[1]);
}

static void test_receive_one(void **state)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        int pair[2];
        struct frame f;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(protocol_send(pair[0], PROTOCOL_STATE, "{}", 2), 0);
        assert_int_equal(protocol_send(pair[0], PROTOCOL_DONE, NULL, 0), 0);
        assert_int_equal(protocol_receive_one(pair[1], &f, payload), 1);
        assert_int_equal(f.type, PROTOCOL_STATE);
        assert_string_equal((char *)payload, "{}");
        assert_int_equal(protocol_receive_one(pair[1], &f, payload), 1);
        assert_int_equal(f.type, PROTOCOL_DONE);
        assert_int_equal(protocol_send_raw(pair[0], "\1\0\0", 3, NULL, 0), 0);
        close(pair[0]);
        assert_int_equal(protocol_receive_one(pair[1], &f, payload), -EPROTO);
        assert_int_equal(protocol_receive_one(pair[1], &f, payload), 0);
        close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),        cmocka_unit_test(test_frames_one_by_one),
                cmocka_unit_test(test_refuses),        cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_no_descriptors), cmocka_unit_test(test_receive_one),
                cmocka_unit_test(test_sessions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
