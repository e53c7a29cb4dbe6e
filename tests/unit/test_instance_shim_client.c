/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/shim_client.h"

static int send_errno;

/* In place of libc's: the moment between a connection and its first bytes is as long as we want. */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
        errno = send_errno;
        return -1;
}

static int listen_at(const char *run, const char *id)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(at.sun_path, sizeof at.sun_path, "%s/instances", run);
        mkdir(at.sun_path, 0700);
        snprintf(at.sun_path, sizeof at.sun_path, "%s/instances/%s", run, id);
        mkdir(at.sun_path, 0700);
        snprintf(at.sun_path, sizeof at.sun_path, "%s/instances/%s/socket", run, id);
        assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

/* A shim that goes while we are in its queue is none that died: there is none, as a moment later. */
static void test_gone_before_hello(void **state)
{
        char run[] = "/tmp/holt-shim-client-XXXXXX", command[64];
        struct engine e = { .run = mkdtemp(run) };
        struct instance i = { .name = (char *)"web", .id = "abc" };
        struct error err;
        own_fd int listener = listen_at(run, i.id);

        send_errno = EPIPE;
        assert_int_equal(shim_connect(&e, &i, &err), -ECONNREFUSED);
        send_errno = ECONNRESET;
        assert_int_equal(shim_connect(&e, &i, &err), -ECONNREFUSED);
        send_errno = ENOBUFS;
        assert_int_equal(shim_connect(&e, &i, &err), -ENOBUFS);
        snprintf(command, sizeof command, "rm -r %s", run);
        assert_int_equal(system(command), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_gone_before_hello) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
