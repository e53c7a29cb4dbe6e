/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_tool [pipe|shared|FILE]: a process to be kept, which may have mapped four pages of a file and written the third. Over the socket 3 it hears a letter and answers a line:
 *   n  a number, one more each time, which a thread of its own has counted
 *   t  whether the kernel and the C library agree on the number of each thread
 *   s  how many SIGUSR1 it has got
 *   w  it works from now on, and hears nothing
 *   m  how each of those pages begins
 *   e  it ends, with 7
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SOCKET = 3, COUNT_TO_HEAP = 1 << 20, PAGE = 4096 };

static pthread_mutex_t lock;
static pthread_cond_t wish = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int wanted, counted;
static volatile sig_atomic_t signals;
static __thread int mine;

static void note(int signo)
{
        signals++;
}

static void *count(void *arg)
{
        char *heap = arg;

        sigset_t set;

        /* It is the first thread's, which has handled it before it hears another letter. */
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        mine = 1000;
        pthread_mutex_lock(&lock);
        for (;;) {
                while (counted == wanted)
                        pthread_cond_wait(&wish, &lock);
                counted = wanted;
                heap[COUNT_TO_HEAP - 1] = (char)++mine;
                pthread_cond_signal(&done);
        }
        return NULL;
}

static int next(void)
{
        int n;

        pthread_mutex_lock(&lock);
        wanted++;
        pthread_cond_signal(&wish);
        while (counted != wanted)
                pthread_cond_wait(&done, &lock);
        n = counted;
        pthread_mutex_unlock(&lock);
        return n;
}

/* A mutex that knows its owner compares the two numbers. */
static const char *agree(void)
{
        pthread_mutex_t m;
        pthread_mutexattr_t a;
        bool good;

        pthread_mutexattr_init(&a);
        pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
        pthread_mutex_init(&m, &a);
        pthread_mutex_lock(&m);
        good = m.__data.__owner == gettid() && pthread_kill(pthread_self(), 0) == 0;
        pthread_mutex_unlock(&m);
        return good ? "agree" : "differ";
}

/* NULL: it has none. */
static char *map(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

        if (pages == MAP_FAILED)
                return NULL;
        pages[2 * PAGE] = 'X';
        close(fd);
        return pages;
}

static void answer(char letter, int event, const char *pages)
{
        char line[64] = "";
        uint64_t events = 1;

        switch (letter) {
        case 'n':
                /* An event and a signal's descriptor are still what they were. */
                (void)!write(event, &events, sizeof(events));
                (void)!read(event, &events, sizeof(events));
                snprintf(line, sizeof(line), "%d\n", events == 1 ? next() : -1);
                break;
        case 't':
                snprintf(line, sizeof(line), "%s\n", agree());
                break;
        case 's':
                snprintf(line, sizeof(line), "%d\n", (int)signals);
                break;
        case 'm':
                snprintf(line, sizeof(line), "%c%c%c%c\n", pages[0], pages[PAGE], pages[2 * PAGE], pages[3 * PAGE]);
                break;
        case 'w':
                for (;;)
                        wanted++;
        default:
                exit(7);
        }
        (void)!write(SOCKET, line, strlen(line));
}

int main(int argc, char **argv)
{
        const struct sigaction act = { .sa_handler = note, .sa_flags = SA_RESTART };
        int event = eventfd(0, EFD_CLOEXEC), pipes[2];
        pthread_t thread;
        sigset_t set;
        char letter, *heap = calloc(1, COUNT_TO_HEAP), *pages = NULL;

        sigaction(SIGUSR1, &act, NULL);
        signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signalfd(-1, &set, SFD_CLOEXEC);
        epoll_create1(EPOLL_CLOEXEC);
        if (argc > 1 && strcmp(argv[1], "pipe") == 0 && pipe(pipes) < 0)
                return 1;
        if (argc > 1 && strcmp(argv[1], "shared") == 0)
                mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (argc > 1 && argv[1][0] == '/')
                pages = map(argv[1]);
        if (!heap || pthread_create(&thread, NULL, count, heap) != 0)
                return 1;
        while (read(SOCKET, &letter, 1) == 1)
                answer(letter, event, pages);
        return 0;
}
