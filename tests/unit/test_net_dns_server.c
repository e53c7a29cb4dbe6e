/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "net/dns_server.h"

static int listen_on_loopback(struct sockaddr_in *ret)
{
        socklen_t len = sizeof *ret;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        *ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        assert_int_equal(bind(fd, (struct sockaddr *)ret, sizeof *ret), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
        return fd;
}

static _Noreturn void serve(int tcp, int directory)
{
        struct dns_sockets sockets = { .udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                                       .tcp = tcp,
                                       .control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                                       .netns = -1,
                                       .endpoints = directory,
                                       .lock = directory };
        struct dns_server server;
        struct error err;
        int r = dns_server_open(&server, &sockets, &err), next = dup(0);

        /* poll() takes as many as there may be descriptors. */
        const struct rlimit limit = { (rlim_t)next, (rlim_t)next };

        close(next);
        if (r == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0 && open("/", O_RDONLY | O_CLOEXEC) < 0)
                dns_server_run(&server, &err);
        _exit(1);
}

static void test_no_descriptors(void **state)
{
        const struct timespec pause = { .tv_nsec = 600000000 };
        char path[] = "/tmp/test-dns-server-XXXXXX";
        own_fd int directory = -1, tcp = -1, client = -1;
        struct sockaddr_in address;
        struct rusage used;
        int status;
        pid_t pid;

        assert_non_null(mkdtemp(path));
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        tcp = listen_on_loopback(&address);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                serve(tcp, directory);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(wait4(pid, &status, 0, &used), pid);
        rmdir(path);
        assert_true(WIFSIGNALED(status));
        assert_true(used.ru_utime.tv_sec + used.ru_stime.tv_sec == 0);
        assert_true(used.ru_utime.tv_usec + used.ru_stime.tv_usec < 150000);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_descriptors) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
