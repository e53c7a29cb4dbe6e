/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "vm/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": []}}\r\n"

/* A QEMU that has said all that it will ever say: *ret is its end, own_fd's the caller's. */
static struct qmp talk(const char *says, int *ret)
{
        int v[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, v), 0);
        assert_int_equal(send(v[1], says, strlen(says), 0), strlen(says));
        *ret = v[1];
        return (struct qmp){ .fd = v[0] };
}

static void hang_up(struct qmp *q, int other)
{
        close(q->fd);
        close(other);
        qmp_finish(q);
}

static void heard(int other, const char *text)
{
        char line[256] = {};

        assert_true(recv(other, line, sizeof(line) - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(line, text);
}

static void test_talk(void **state)
{
        own_json struct json_object *root = NULL;
        struct json_object *value = NULL;
        const char *status = NULL;
        int other;
        struct qmp q = talk(GREETING "{\"return\": {}, \"id\": 1}\r\n"
                                     "{\"event\": \"RESUME\", \"timestamp\": {\"seconds\": 1}}\r\n"
                                     "{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n",
                            &other);

        assert_int_equal(qmp_open(&q, 1000, NULL), 0);
        heard(other, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
        assert_int_equal(qmp_execute(&q, "query-status", "{\"x\":1}", 1000, &root, NULL), 0);
        heard(other, "{\"execute\":\"query-status\",\"arguments\":{\"x\":1},\"id\":2}\n");
        assert_int_equal(json_get_object(root, "return", &value, NULL), 1);
        assert_int_equal(json_get_string(value, "status", &status, NULL), 1);
        assert_string_equal(status, "running");
        hang_up(&q, other);
}

static void test_refused(void **state)
{
        struct error err;
        int other;
        struct qmp q =
                talk("{\"error\": {\"class\": \"GenericError\", \"desc\": \"No such node\"}, \"id\": 1}\n", &other);

        assert_int_equal(qmp_execute(&q, "blockdev-del", NULL, 1000, NULL, &err), -EIO);
        assert_string_equal(err.text, "QEMU: blockdev-del: No such node");
        hang_up(&q, other);
}

static int count(const char *name, struct json_object *data, void *userdata)
{
        ++*(int *)userdata;
        return strcmp(name, "SHUTDOWN") == 0;
}

static void test_events(void **state)
{
        int n = 0, other;
        struct qmp q = talk("{\"event\": \"STOP\"}\n{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\n"
                            "{\"event\": \"NEVER\"}\n",
                            &other);

        q.event = count;
        q.userdata = &n;
        assert_int_equal(qmp_wait(&q, 1000, NULL), 0);
        assert_int_equal(n, 2);
        hang_up(&q, other);
}

static void ends_with(const char *says, int expected)
{
        struct error err;
        int other;
        struct qmp q = talk(says, &other);

        shutdown(other, SHUT_WR);
        assert_int_equal(qmp_execute(&q, "stop", NULL, 1000, NULL, &err), expected);
        hang_up(&q, other);
}

static void test_nonsense(void **state)
{
        ends_with("", -EPIPE);
        ends_with("{\"return\": {}}", -EPIPE); /* no end of line */
        ends_with("[]\n", -EPROTO);
        ends_with("QEMU\n", -EPROTO);
        ends_with("{\"result\": 1, \"id\": 1}\n", -EIO);
        /* What was asked for is not known of these. */
        ends_with("{\"return\": {}}\n", -EPROTO);
        ends_with("{\"return\": {}, \"id\": 2}\n", -EPROTO);
        ends_with("{\"return\": {}, \"id\": \"1\"}\n", -EPROTO);
}

static void test_silence(void **state)
{
        struct error err;
        int other;
        struct qmp q = talk("{\"event\": \"STOP\"}\n", &other);

        assert_int_equal(qmp_execute(&q, "stop", NULL, 20, NULL, &err), -ETIMEDOUT);
        hang_up(&q, other);
}

static void say(int other, const char *text)
{
        assert_int_equal(send(other, text, strlen(text), 0), strlen(text));
}

static void test_late(void **state)
{
        own_json struct json_object *root = NULL;
        struct json_object *value = NULL;
        const char *status = NULL;
        struct error err;
        int other;
        struct qmp q = talk("", &other);

        assert_int_equal(qmp_execute(&q, "stop", NULL, 20, NULL, &err), -ETIMEDOUT);
        say(other, "{\"error\": {\"desc\": \"of the first\"}, \"id\": 1}\n");
        say(other, "{\"return\": {\"status\": \"paused\"}, \"id\": 2}\n");
        assert_int_equal(qmp_execute(&q, "query-status", NULL, 1000, &root, &err), 0);
        assert_int_equal(json_get_object(root, "return", &value, NULL), 1);
        assert_int_equal(json_get_string(value, "status", &status, NULL), 1);
        assert_string_equal(status, "paused");
        /* Of several that went out together one answer was enough to give up. */
        assert_int_equal(qmp_send(&q, "a", NULL, &err), 0);
        assert_int_equal(qmp_send(&q, "b", NULL, &err), 0);
        say(other, "{\"error\": {\"desc\": \"of a\"}, \"id\": 3}\n{\"return\": {}, \"id\": 4}\n");
        assert_int_equal(qmp_answer(&q, "a", 1000, NULL, &err), -EIO);
        say(other, "{\"error\": {\"desc\": \"of c\"}, \"id\": 5}\n");
        assert_int_equal(qmp_execute(&q, "c", NULL, 1000, NULL, &err), -EIO);
        assert_string_equal(err.text, "QEMU: c: of c");
        hang_up(&q, other);
}

static void test_flood(void **state)
{
        own_mem char *much = malloc(2 * QMP_MAX_LINE);
        struct error err;
        int other, room = 4 * QMP_MAX_LINE;
        struct qmp q = talk(" ", &other);

        assert_non_null(much);
        memset(much, ' ', 2 * QMP_MAX_LINE);
        setsockopt(other, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        assert_true(send(other, much, 2 * QMP_MAX_LINE, MSG_DONTWAIT) > QMP_MAX_LINE + 8192);
        assert_int_equal(qmp_execute(&q, "stop", NULL, 1000, NULL, &err), -EPROTO);
        assert_true(q.input.cap <= 4 * QMP_MAX_LINE);
        hang_up(&q, other);
}

/* One that tells so much that it is never heard out. */
static void test_endless(void **state)
{
        static const char event[] = "{\"event\": \"RTC_CHANGE\"}\n";
        static char many[2048 * sizeof(event)];
        struct error err;
        int other;
        struct qmp q = talk("", &other);
        pid_t pid = fork();

        if (pid == 0) {
                for (size_t i = 0; i < sizeof(many); i++)
                        many[i] = event[i % strlen(event)];
                while (send(other, many, sizeof(many) / strlen(event) * strlen(event), MSG_NOSIGNAL) > 0)
                        continue;
                _exit(0);
        }
        /* If it does not end, this does. */
        alarm(20);
        assert_int_equal(qmp_execute(&q, "stop", NULL, 100, NULL, &err), -ETIMEDOUT);
        assert_int_equal(qmp_wait(&q, 0, &err), -ETIMEDOUT);
        alarm(0);
        hang_up(&q, other);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_talk),    cmocka_unit_test(test_refused),
                                            cmocka_unit_test(test_events),  cmocka_unit_test(test_nonsense),
                                            cmocka_unit_test(test_silence), cmocka_unit_test(test_late),
                                            cmocka_unit_test(test_flood),   cmocka_unit_test(test_endless) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
