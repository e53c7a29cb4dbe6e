/* SPDX-License-Identifier: Apache-2.0 */
/* TCP over loopback with another process: a stream one way, then questions and answers. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum { BLOCK = 64 << 10, BLOCKS_OF_100 = 4000, QUESTIONS_OF_100 = 8000 };

struct amounts {
        unsigned blocks, questions;
};

/* *address is where it listens. */
static int listen_anywhere(struct sockaddr_in *address)
{
        socklen_t len = sizeof *address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        if (fd < 0)
                return -1;
        if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 1) < 0 ||
            getsockname(fd, (struct sockaddr *)address, &len) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

static int answer(int fd, const struct amounts *a)
{
        static char data[BLOCK];

        for (unsigned i = 0; i < a->blocks; i++)
                if (read_all(fd, data, BLOCK) < 0)
                        return -1;
        for (unsigned i = 0; i < a->questions; i++)
                if (read_all(fd, data, 1) < 0 || write_all(fd, data, 1) < 0)
                        return -1;
        return 0;
}

static int ask(int fd, const struct amounts *a)
{
        static char data[BLOCK];

        memset(data, 'x', sizeof data);
        for (unsigned i = 0; i < a->blocks; i++)
                if (write_all(fd, data, BLOCK) < 0)
                        return -1;
        for (unsigned i = 0; i < a->questions; i++)
                if (write_all(fd, data, 1) < 0 || read_all(fd, data, 1) < 0)
                        return -1;
        return 0;
}

static int connect_to(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0)
                return fd;
        if (fd >= 0)
                close(fd);
        return -1;
}

static _Noreturn void be_the_other(int listener, const struct amounts *a)
{
        int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
                _exit(1);
        _exit(answer(fd, a) < 0);
}

uint64_t work_network(unsigned amount, const char *program)
{
        const struct amounts a = { amount * BLOCKS_OF_100 / 100 + 1, amount * QUESTIONS_OF_100 / 100 + 1 };
        struct sockaddr_in address;
        int listener = listen_anywhere(&address), fd, status = 1, r = -1;
        pid_t pid;

        if (listener < 0)
                return FAILED;
        pid = fork();
        if (pid == 0)
                be_the_other(listener, &a);
        close(listener);
        fd = pid > 0 ? connect_to(&address) : -1;
        if (fd >= 0) {
                r = ask(fd, &a);
                close(fd);
        }
        if (pid > 0 && waitpid(pid, &status, 0) < 0)
                return FAILED;
        return r == 0 && status == 0 ? (uint64_t)a.blocks * BLOCK + a.questions : FAILED;
}
