/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/log.h"

#define JOURNAL "/run/systemd/journal/socket"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A journal of our own, at journald's place: only root can have that. */
static int open_journal(void)
{
        static const struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        unlink(JOURNAL);
        assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
        return fd;
}

static int take_run(void **state)
{
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("run", "/run", "tmpfs", 0, NULL) < 0)
                exit(77);
        mkdir("/run/systemd", 0755);
        return mkdir("/run/systemd/journal", 0755);
}

static void begin(struct log *l, const char *tag)
{
        const struct log_options o = { .driver = LOG_JOURNALD, .tag = tag };

        log_open(l, &o, -1, ID, "web", "debian:12");
}

static void expect(int journal, const char *fields, const char *message)
{
        char text[8192];
        ssize_t n = recv(journal, text, sizeof text, MSG_DONTWAIT);
        size_t head = strlen(fields), size = strlen(message);
        uint64_t len = 0;

        assert_true(n > 0);
        assert_int_equal(n, head + strlen("MESSAGE\n") + 8 + size + 1);
        assert_memory_equal(text, fields, head);
        assert_memory_equal(text + head, "MESSAGE\n", 8);
        for (int i = 7; i >= 0; i--)
                len = len << 8 | (unsigned char)text[head + 8 + (size_t)i];
        assert_int_equal(len, size);
        assert_memory_equal(text + head + 16, message, size);
        assert_int_equal(text[n - 1], '\n');
}

static void test_fields(void **state)
{
        own_fd int journal = open_journal();
        struct log l;

        begin(&l, NULL);
        log_write(&l, LOG_STDOUT, "one\ntw", 6, 1);
        log_write(&l, LOG_STDERR, "bad\n", 4, 1);
        log_write(&l, LOG_STDOUT, "o", 1, 1);
        log_flush(&l, 1);
        expect(journal,
               "PRIORITY=6\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=" ID
               "\nCONTAINER_NAME=web\nCONTAINER_TAG=0123456789ab\nSYSLOG_IDENTIFIER=0123456789ab\n"
               "IMAGE_NAME=debian:12\n",
               "one");
        expect(journal,
               "PRIORITY=3\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=" ID
               "\nCONTAINER_NAME=web\nCONTAINER_TAG=0123456789ab\nSYSLOG_IDENTIFIER=0123456789ab\n"
               "IMAGE_NAME=debian:12\n",
               "bad");
        expect(journal,
               "PRIORITY=6\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=" ID
               "\nCONTAINER_NAME=web\nCONTAINER_TAG=0123456789ab\nSYSLOG_IDENTIFIER=0123456789ab\n"
               "IMAGE_NAME=debian:12\nCONTAINER_PARTIAL_MESSAGE=true\n",
               "two");
        assert_true(recv(journal, &l, 1, MSG_DONTWAIT) < 0);
        close(take_fd(&l.fd));
}

static void test_tag(void **state)
{
        own_fd int journal = open_journal();
        struct log l;

        begin(&l, "mine");
        log_write(&l, LOG_STDOUT, "a line\n", 7, 1);
        expect(journal,
               "PRIORITY=6\nCONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=" ID
               "\nCONTAINER_NAME=web\nCONTAINER_TAG=mine\nSYSLOG_IDENTIFIER=mine\nIMAGE_NAME=debian:12\n",
               "a line");
        close(take_fd(&l.fd));
}

static void test_started_again(void **state)
{
        char text[4096];
        own_fd int journal = open_journal();
        struct log l;

        begin(&l, NULL);
        log_write(&l, LOG_STDOUT, "one\n", 4, 1);
        close(journal);
        log_write(&l, LOG_STDOUT, "lost\n", 5, 1);
        journal = open_journal();
        log_write(&l, LOG_STDOUT, "two\n", 4, 1);
        assert_true(recv(journal, text, sizeof text, MSG_DONTWAIT) > 0);
        close(take_fd(&l.fd));
}

/* One that stands still holds up nobody for long, and gets what comes when it goes on. */
static void test_stands_still(void **state)
{
        own_fd int journal = open_journal();
        time_t before = time(NULL);
        char text[4096];
        struct log l;

        begin(&l, NULL);
        for (int i = 0; i < 1000; i++)
                log_write(&l, LOG_STDOUT, "line\n", 5, 1);
        assert_true(time(NULL) - before < 5);
        while (recv(journal, text, sizeof text, MSG_DONTWAIT) > 0)
                ;
        log_write(&l, LOG_STDOUT, "more\n", 5, 1);
        assert_true(recv(journal, text, sizeof text, MSG_DONTWAIT) > 0);
        close(take_fd(&l.fd));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_tag),
                cmocka_unit_test(test_started_again),
                cmocka_unit_test(test_stands_still),
        };

        return cmocka_run_group_tests(tests, take_run, NULL);
}
