/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"
#include "dbus_server.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* Written down from the specification, "Marshaling (Wire Format)". */
static void test_golden_values(void **state)
{
        static const unsigned char want[] = {
                7,  0,   0,   0, 1,   0,   0,    0, /* byte, padding, boolean */
                2,  0,   0,   0, 0,   0,   0,    0, /* uint16 at 8, padding to 16 */
                4,  3,   2,   1, 0,   0,   0,    0, /* uint64 */
                3,  0,   0,   0, 'f', 'o', 'o',  0, /* string */
                2,  'a', 's', 0,                    /* signature */
                16, 0,   0,   0,                    /* array of structs: length without padding; at 40 now */
                9,  0,   0,   0, 0,   0,   0,    0,    8, 0, 0, 0, 0, 0, 0, 0, /* (yt) = 9, 8 */
                0,  0,   0,   0, 0,   0,   0,    0,    /* empty array of structs: padded all the same */
                0,  0,   0,   0, 0,   0,   0xf8, 0x3f, /* 1.5 */
        };
        own_buf struct buf b = {};
        struct dbus_array a;

        dbus_add_byte(&b, 7);
        dbus_add_bool(&b, true);
        dbus_add_u16(&b, 2);
        dbus_add_u64(&b, 0x01020304);
        dbus_add_string(&b, "foo");
        dbus_add_signature(&b, "as");
        a = dbus_begin_array(&b, 8);
        dbus_begin_struct(&b);
        dbus_add_byte(&b, 9);
        dbus_add_u64(&b, 8);
        dbus_end_array(&b, a);
        a = dbus_begin_array(&b, 8);
        dbus_end_array(&b, a);
        dbus_add_double(&b, 1.5);
        assert_int_equal(b.len, sizeof want);
        assert_memory_equal(b.data, want, sizeof want);
}

static void test_golden_message(void **state)
{
        static const char want[] = "l\1\2\1"
                                   "\5\0\0\0"
                                   "\1\0\0\0"
                                   "\x77\0\0\0"
                                   "\1\1o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0"
                                   "\2\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
                                   "\3\1s\0\5\0\0\0Hello\0\0\0"
                                   "\6\1s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0"
                                   "\x8\1g\0\1s\0\0"
                                   "\0\0\0\0\0";
        struct dbus_message m = { .type = DBUS_METHOD_CALL,
                                  .serial = 1,
                                  .path = "/org/freedesktop/DBus",
                                  .interface = "org.freedesktop.DBus",
                                  .member = "Hello",
                                  .destination = "org.freedesktop.DBus",
                                  .signature = "s" };
        own_dbus_message struct dbus_message back = {};
        own_buf struct buf body = {}, out = {};
        char *copy;

        dbus_add_string(&body, "");
        m.body = body.data;
        m.body_len = body.len;
        dbus_message_write(&out, &m);
        assert_int_equal(out.len, sizeof want - 1);
        assert_memory_equal(out.data, want, sizeof want - 1);
        assert_int_equal(dbus_message_size(out.data), out.len);

        copy = malloc(out.len);
        memcpy(copy, out.data, out.len);
        assert_int_equal(dbus_message_parse(copy, out.len, &back), 0);
        assert_int_equal(back.type, DBUS_METHOD_CALL);
        assert_string_equal(back.path, m.path);
        assert_string_equal(back.interface, m.interface);
        assert_string_equal(back.member, m.member);
        assert_string_equal(back.destination, m.destination);
        assert_string_equal(back.signature, "s");
        assert_null(back.sender);
        assert_int_equal(back.body_len, 5);
}

#endif

static void test_reader_bounds(void **state)
{
        own_buf struct buf b = {};
        struct dbus_reader r;

        dbus_add_string(&b, "abc");
        dbus_add_u64(&b, 5);
        r = (struct dbus_reader){ .data = b.data, .len = b.len };
        assert_string_equal(dbus_read_string(&r), "abc");
        assert_int_equal(dbus_read_u64(&r), 5);
        assert_false(r.failed);
        assert_int_equal(dbus_read_u32(&r), 0);
        assert_true(r.failed);
        for (size_t len = 0; len < b.len; len++) {
                r = (struct dbus_reader){ .data = b.data, .len = len };
                dbus_read_string(&r);
                assert_int_equal(dbus_read_u64(&r), 0);
                assert_true(r.failed);
        }
        /* a NUL too early, and none at the end */
        b.data[5] = '\0';
        r = (struct dbus_reader){ .data = b.data, .len = b.len };
        assert_null(dbus_read_string(&r));
        b.data[5] = 'b';
        b.data[7] = 'x';
        r = (struct dbus_reader){ .data = b.data, .len = b.len };
        assert_null(dbus_read_string(&r));
}

/* Every byte of a message changed in every bit, and every length: refused or taken, never overrun (the sanitizers
 * look). */
static void test_damaged_messages(void **state)
{
        struct dbus_message m = { .type = DBUS_SIGNAL, .serial = 9, .path = "/a", .interface = "b.c", .member = "D" };
        own_buf struct buf out = {};
        size_t refused = 0;

        dbus_message_write(&out, &m);
        for (size_t bit = 0; bit < out.len * 8; bit++) {
                own_dbus_message struct dbus_message back = {};
                char *copy = malloc(out.len);

                memcpy(copy, out.data, out.len);
                copy[bit / 8] ^= (char)(1 << bit % 8);
                refused += dbus_message_parse(copy, out.len, &back) < 0;
        }
        assert_true(refused > 0);
        for (size_t len = 0; len < out.len; len++) {
                own_dbus_message struct dbus_message back = {};
                char *copy = malloc(len + 1);

                memcpy(copy, out.data, len);
                assert_int_equal(dbus_message_parse(copy, len, &back), -EPROTO);
        }
}

static struct dbus_message ping(void)
{
        return (struct dbus_message){ .path = "/p", .interface = "i.f", .member = "Ping", .destination = "d.d" };
}

static void play_conversation(int fd)
{
        struct dbus_message m;

        server_authenticate(fd);
        m = server_receive(fd, "Hello");
        server_reply_string(fd, &m, "s", ":1.5");
        /* A signal and an answer to somebody else's call come first. */
        m = server_receive(fd, "Ping");
        server_job_removed(fd, "/job/0", "x.scope", "done");
        m.serial += 100;
        server_reply(fd, &m, "", NULL);
        m.serial -= 100;
        server_reply_string(fd, &m, "s", "pong");
        m = server_receive(fd, "Ping");
        server_reply_error(fd, &m, "org.example.No", "not today");
        m = server_receive(fd, "Ping");
        server_reply(fd, &m, "", NULL);
        server_job_removed(fd, "/job/1", "x.scope", "done");
        server_job_removed(fd, "/job/2", "x.scope", "failed");
        m = server_receive(fd, "Ping");
}

static bool is_job_two(struct dbus_reader *body, void *userdata)
{
        char *result = userdata;
        const char *job, *text;

        dbus_read_u32(body);
        job = dbus_read_string(body);
        dbus_read_string(body);
        text = dbus_read_string(body);
        if (!job || !text || strcmp(job, "/job/2") != 0)
                return false;
        strcpy(result, text);
        return true;
}

static void test_conversation(void **state)
{
        struct server s = server_start(play_conversation);
        own_dbus struct dbus d = { .fd = -1 };
        struct dbus_message call = ping();
        struct dbus_reader r;
        struct error err = {};
        char result[16] = "";

        assert_int_equal(dbus_open_fd(s.fd, true, &d, &err), 0);
        {
                own_dbus_message struct dbus_message reply = {};

                assert_int_equal(dbus_call(&d, &call, &reply, &err), 0);
                r = (struct dbus_reader){ .data = reply.body, .len = reply.body_len };
                assert_string_equal(dbus_read_string(&r), "pong");
        }
        {
                own_dbus_message struct dbus_message reply = {};

                assert_int_equal(dbus_call(&d, &call, &reply, &err), -EREMOTEIO);
                assert_string_equal(err.text, "org.example.No: not today");
                assert_int_equal(dbus_call(&d, &call, &reply, &err), 0);
        }
        assert_int_equal(
                dbus_wait_signal(&d, "org.freedesktop.systemd1.Manager", "JobRemoved", is_job_two, result, 10000, &err),
                0);
        assert_string_equal(result, "failed");
        assert_int_equal(dbus_wait_signal(&d, "a.b", "C", is_job_two, result, 20, &err), -ETIMEDOUT);
        {
                own_dbus_message struct dbus_message reply = {};

                assert_int_equal(dbus_call(&d, &call, &reply, &err), -ECONNRESET); /* it hangs up */
        }
        assert_int_equal(server_wait(&s), 0);
}

/* Older sd-bus and others take the first word for enough. */
static void play_early_ok(int fd)
{
        struct dbus_message m;

        server_expect(fd, "\0AUTH EXTERNAL\r\n", 16);
        server_send(fd, "OK 01234567", 11);
        usleep(1000);
        server_send(fd, "89abcdef\r\n", 10);
        server_expect(fd, "BEGIN\r\n", 7);
        m = server_receive(fd, "Ping");
        server_reply(fd, &m, "", NULL);
}

static void test_early_ok(void **state)
{
        own_dbus_message struct dbus_message reply = {};
        struct server s = server_start(play_early_ok);
        own_dbus struct dbus d = { .fd = -1 };
        struct dbus_message call = ping();
        struct error err = {};

        assert_int_equal(dbus_open_fd(s.fd, false, &d, &err), 0);
        assert_int_equal(dbus_call(&d, &call, &reply, &err), 0);
        assert_int_equal(server_wait(&s), 0);
}

static void play_rejected(int fd)
{
        server_expect(fd, "\0AUTH EXTERNAL\r\n", 16);
        server_send(fd, "REJECTED EXTERNAL\r\n", 19);
}

static void play_garbage(int fd)
{
        server_authenticate(fd);
        server_receive(fd, "Hello");
        server_send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static void test_refusals(void **state)
{
        struct server s = server_start(play_rejected);
        own_dbus struct dbus d = { .fd = -1 };
        struct error err = {};

        assert_int_equal(dbus_open_fd(s.fd, true, &d, &err), -EACCES);
        assert_int_equal(d.fd, -1);
        assert_int_equal(server_wait(&s), 0);
        s = server_start(play_garbage);
        assert_int_equal(dbus_open_fd(s.fd, true, &d, &err), -EPROTO);
        assert_int_equal(server_wait(&s), 0);
}

static void test_addresses(void **state)
{
        static const char *const bad[] = { "",          "tcp:host=x",        "unix:",        "unix:path=/nonexistent/x",
                                           "unix:dir=", "unix:path=%zz",     "unix:path=%4", "unix:abstract=holt-none",
                                           ";;",        "unix:guid=0;tcp:x", "unix:path=;;a" };
        own_dbus struct dbus d = { .fd = -1 };
        struct error err = {};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_true(dbus_open(bad[i], true, &d, &err) < 0);
                assert_int_equal(d.fd, -1);
        }
}

/* The reference implementation, where it is installed. */
static void test_real_daemon(void **state)
{
        own_dbus_message struct dbus_message reply = {}, refused = {};
        char dir[128], address[512], command[512];
        struct dbus_message call = { .path = "/org/freedesktop/DBus",
                                     .interface = "org.freedesktop.DBus",
                                     .member = "GetId",
                                     .destination = "org.freedesktop.DBus" };
        own_dbus struct dbus d = { .fd = -1 };
        struct error err = {};
        struct dbus_reader r;
        int status;
        pid_t pid;

        if (access("/usr/bin/dbus-daemon", X_OK) < 0) {
                print_message("# skipped: no dbus-daemon\n");
                skip();
        }
        snprintf(dir, sizeof dir, "%s/holt-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
        assert_non_null(mkdtemp(dir));
        snprintf(address, sizeof address, "unix:path=%s/none;unix:path=%s/%%62us", dir, dir);
        snprintf(command, sizeof command, "unix:path=%s/bus", dir);
        pid = fork();
        if (pid == 0) {
                execl("/usr/bin/dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address",
                      command, NULL);
                _exit(127);
        }
        for (int i = 0; i < 500 && dbus_open(address, true, &d, &err) < 0; i++)
                usleep(10000);
        assert_true(d.fd >= 0);
        assert_int_equal(dbus_call(&d, &call, &reply, &err), 0);
        r = (struct dbus_reader){ .data = reply.body, .len = reply.body_len };
        assert_int_equal(strlen(dbus_read_string(&r)), 32);
        call.member = "NoSuchMethod";
        assert_int_equal(dbus_call(&d, &call, &refused, &err), -EREMOTEIO);
        assert_non_null(strstr(err.text, "org.freedesktop.DBus.Error.UnknownMethod: "));
        kill(pid, SIGTERM);
        waitpid(pid, &status, 0);
        snprintf(command, sizeof command, "%s/bus", dir);
        unlink(command);
        assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                cmocka_unit_test(test_golden_values),
                cmocka_unit_test(test_golden_message),
#endif
                cmocka_unit_test(test_reader_bounds),
                cmocka_unit_test(test_damaged_messages),
                cmocka_unit_test(test_conversation),
                cmocka_unit_test(test_early_ok),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_real_daemon),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
