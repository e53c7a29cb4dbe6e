/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-workload [--sync] WORK AMOUNT
 * holt-workload [--sync] run PROGRAM [ARGUMENT...]
 *
 * Started by holt compare on the host, in containers and in virtual machines. It says on standard output
 *
 *   begin TIME          when it has been started
 *   end TIME CPU SUM    when the work is done: the processor time that was used for it, and what it comes to
 *   ready               when it can be looked at
 *
 * with times in nanoseconds, TIME by the monotonic clock. Then it waits for the end of a line, or of standard input, and
 * ends as the work did. --sync: before it is ready, what was written goes to the disk, where it can be seen from outside
 * of a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, SIGNALED = 128, MISUSED = 125, LONGEST_LOOK_MS = 60000 };

static const struct {
        const char *name;
        work_function *work;
} works[] = {
        { "cpu", work_cpu },         { "files", work_files },         { "memory", work_memory },
        { "network", work_network }, { "processes", work_processes }, { "syscalls", work_syscalls },
};

static uint64_t ns_of(const struct rusage *u)
{
        return ((uint64_t)u->ru_utime.tv_sec + (uint64_t)u->ru_stime.tv_sec) * 1000000000 +
               ((uint64_t)u->ru_utime.tv_usec + (uint64_t)u->ru_stime.tv_usec) * 1000;
}

/* Of this process and of those it has waited for. */
static uint64_t used(void)
{
        struct rusage own, children;

        if (getrusage(RUSAGE_SELF, &own) < 0 || getrusage(RUSAGE_CHILDREN, &children) < 0)
                return 0;
        return ns_of(&own) + ns_of(&children);
}

static uint64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int say(const char *line)
{
        return write_all(STDOUT_FILENO, line, strlen(line));
}

static _Noreturn void become(char **argv)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0)
                execvp(argv[0], argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

static int run(char **argv)
{
        pid_t pid = fork();
        int status;

        if (pid == 0)
                become(argv);
        if (pid < 0 || waitpid(pid, &status, 0) < 0) {
                perror("holt-workload");
                return MISUSED;
        }
        return WIFSIGNALED(status) ? SIGNALED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int work(const char *name, const char *amount, const char *program, uint64_t *ret_sum)
{
        for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
                if (strcmp(name, works[i].name) != 0)
                        continue;
                *ret_sum = works[i].work((unsigned)strtoul(amount, NULL, 10), program);
                if (*ret_sum != FAILED)
                        return 0;
                fprintf(stderr, "%s: %s\n", name, strerror(errno));
                return 1;
        }
        if (strcmp(name, "nothing") == 0)
                return 0;
        fprintf(stderr, "holt-workload is started by holt compare\n");
        return MISUSED;
}

/* Who is to look at us may have died: an end comes in any case. */
static void wait_for_line(void)
{
        struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
        char end = 0;

        while (end != '\n' && poll(&in, 1, LONGEST_LOOK_MS) > 0 && read(STDIN_FILENO, &end, 1) == 1)
                ;
}

int main(int argc, char **argv)
{
        int sync_first = argc > 1 && strcmp(argv[1], "--sync") == 0, status;
        char **words = argv + 1 + sync_first, line[120];
        uint64_t sum = 0;

        /* The child of work_processes(). */
        if (argc > 1 && strcmp(argv[1], "true") == 0)
                return 0;
        snprintf(line, sizeof line, "begin %" PRIu64 "\n", now());
        if (argc < 3 + sync_first || say(line) < 0)
                return MISUSED;
        status = strcmp(words[0], "run") == 0 ? run(words + 1) : work(words[0], words[1], argv[0], &sum);
        snprintf(line, sizeof line, "end %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", now(), used(), sum);
        if (say(line) < 0)
                return MISUSED;
        if (sync_first)
                sync();
        if (say("ready\n") < 0)
                return MISUSED;
        wait_for_line();
        return status;
}
