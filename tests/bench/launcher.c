/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher COUNT PARALLEL COMMAND [ARGUMENT...]
 *
 * Runs the command COUNT times, PARALLEL at once; "%d" in an argument becomes the run's number. Prints one JSON
 * object: how long all took and, when one ran at a time, the first and the last tenth of them, the largest resident
 * memory of a command (or of a process that it waited for) and how many failed.
 *
 * Small and static, because exec() keeps the peak of the memory image that it replaces: a shell or Python in its
 * place would be measured instead of the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct totals {
        long max_rss_kb;
        int failed;
};

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static char *expand(const char *word, int number)
{
        const char *at = strstr(word, "%d");
        char *text = NULL;

        if (!at)
                return strdup(word);
        if (asprintf(&text, "%.*s%d%s", (int)(at - word), word, number, at + 2) < 0)
                return NULL;
        return text;
}

static pid_t launch(char **words, int number)
{
        char *argv[64] = { NULL };
        pid_t pid = -1;
        int r;

        for (int i = 0; words[i] && i < 63; i++)
                argv[i] = expand(words[i], number);
        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
        if (r) {
                fprintf(stderr, "launcher: %s: %s\n", argv[0], strerror(r));
                exit(1);
        }
        for (int i = 0; argv[i]; i++)
                free(argv[i]);
        return pid;
}

static void reap(struct totals *t)
{
        struct rusage usage;
        int status;

        if (wait4(-1, &status, 0, &usage) < 0)
                return;
        if (status)
                t->failed++;
        if (usage.ru_maxrss > t->max_rss_kb)
                t->max_rss_kb = usage.ru_maxrss;
}

int main(int argc, char **argv)
{
        int count = argc > 3 ? atoi(argv[1]) : 0, parallel = argc > 3 ? atoi(argv[2]) : 0, running = 0, tenth;
        struct totals t = { 0 };
        double begun, first = 0, before_last = 0, end;

        if (count < 1 || parallel < 1) {
                fprintf(stderr, "usage: launcher COUNT PARALLEL COMMAND [ARGUMENT...]\n");
                return 2;
        }
        tenth = count / 10;
        begun = now();
        for (int i = 0; i < count; i++) {
                if (i == tenth)
                        first = now() - begun;
                if (i == count - tenth)
                        before_last = now();
                if (running == parallel) {
                        reap(&t);
                        running--;
                }
                launch(argv + 3, i);
                running++;
                if (parallel == 1) {
                        reap(&t);
                        running--;
                }
        }
        while (running-- > 0)
                reap(&t);
        end = now();
        printf("{\"ms\": %.2f, \"first_tenth_ms\": %.2f, \"last_tenth_ms\": %.2f, \"max_rss_kb\": %ld, \"failed\": "
               "%d}\n",
               end - begun, first, tenth ? end - before_last : 0, t.max_rss_kb, t.failed);
        return t.failed > 0;
}
