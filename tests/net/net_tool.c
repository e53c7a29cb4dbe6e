/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_tool ROOT RUN open ID NAME [FLAG=VALUE]... -- COMMAND...: the network of an instance with these options; the
 * command runs in it, with HOSTS and RESOLV in its environment. The network is closed when it ends.
 * net_tool ROOT RUN close ID
 * net_tool ROOT RUN time ID COUNT PAUSE_MS [FLAG=VALUE]...: how long opening takes.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "instance/instance_network.h"

static void warn(const char *text)
{
        fprintf(stderr, "warning: %s\n", text);
}

static int fail(const struct error *err)
{
        fprintf(stderr, "%s\n", err->text);
        return 1;
}

static int set_options(struct instance_options *o, int argc, char **argv)
{
        int i = 0;

        for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
                char *value = strchr(argv[i], '=');
                const char *values[64];
                const struct option_member *m;
                size_t n = 0;

                *value++ = '\0';
                m = instance_option_find(argv[i]);
                /* Lists are separated by spaces. */
                for (char *word; m->kind == OPTION_KIND_LIST && (word = strsep(&value, " "));)
                        values[n++] = word;
                if (m->kind == OPTION_KIND_LIST ? instance_option_set_list(o, m, values, n) < 0
                                                : instance_option_set(o, m, value) < 0)
                        exit(2);
        }
        return i + 1;
}

static int run(const struct instance_network *n, char **argv)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                setenv("HOSTS", buf_str(&n->hosts), 1);
                setenv("RESOLV", buf_str(&n->resolv), 1);
                if ((n->netns >= 0 && setns(n->netns, CLONE_NEWNET) < 0) ||
                    (n->netns < 0 && !n->is_host && unshare(CLONE_NEWNET) < 0))
                        _exit(126);
                execvp(argv[0], argv);
                _exit(127);
        }
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int measure(struct engine *e, struct instance *i, int count, int pause_ms)
{
        double sum = 0, most = 0, closing = 0;

        for (int n = 0; n < count; n++) {
                struct instance_network network;
                struct error err;
                double begin = now(), took;

                if (instance_network_open(e, i, "host", &network, &err) < 0)
                        return fail(&err);
                took = now() - begin;
                sum += n ? took : 0;
                most = n && took > most ? took : most;
                if (n == 0)
                        printf("first %.2f ms\n", took);
                instance_network_finish(&network);
                begin = now();
                instance_network_close(e, i->id, &err);
                closing += now() - begin;
                usleep((useconds_t)pause_ms * 1000);
        }
        printf("open %.2f ms, at most %.2f; close %.2f\n", sum / (count - 1), most, closing / count);
        return 0;
}

int main(int argc, char **argv)
{
        struct engine e = { .root = argv[1], .run = argv[2], .warn = warn };
        struct instance i = { .name = argc > 5 ? argv[5] : NULL };
        struct instance_network network;
        struct error err;
        char path[4096];
        int r, at;

        snprintf(i.id, sizeof i.id, "%s", argv[4]);
        if (strcmp(argv[3], "close") == 0)
                return instance_network_close(&e, argv[4], &err) < 0 ? fail(&err) : 0;
        snprintf(path, sizeof path, "%s/instances", e.run);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/instances/%s", e.run, i.id);
        mkdir(path, 0700);
        if (strcmp(argv[3], "time") == 0) {
                set_options(&i.options, argc - 7, argv + 7);
                i.name = argv[4];
                return measure(&e, &i, atoi(argv[5]), atoi(argv[6]));
        }
        at = set_options(&i.options, argc - 6, argv + 6);
        r = instance_network_open(&e, &i, i.options.hostname ? i.options.hostname : i.name, &network, &err);
        if (r < 0) {
                rmdir(path);
                return fail(&err);
        }
        r = run(&network, argv + 6 + at);
        instance_network_finish(&network);
        if (instance_network_close(&e, i.id, &err) < 0)
                return fail(&err);
        rmdir(path);
        instance_options_finish(&i.options);
        return r;
}
