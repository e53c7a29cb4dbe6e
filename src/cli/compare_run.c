/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. An instance is run as a person would: by `holt run`, a process of its own. The work tells when
 * it begins and when it is done, and then waits; so long we look at it, with the clock stopped. To be able to count
 * what shims and machines have used in the end, too, this process inherits them from the commands
 * (PR_SET_CHILD_SUBREAPER).
 */
#include "cli/compare_run.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/compare_image.h"
#include "cli/compare_processes.h"
#include "instance/backend.h"
#include "sys/disk_usage.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_OPTIONS = 40, END_MS = 10000, INSTANCE_NAME = 80 };

struct run {
        const struct compare_setup *setup;
        enum compare_place place;
        char name[INSTANCE_NAME];
        char *dir; /* of what stays on the disk */
        struct compare_family family;
        struct compare_family claimed; /* of a machine that waited: it has another parent */
        uint64_t cpu_before;           /* that it had used */
        struct instance *instance;
        struct compare_child child;
        struct compare_look most; /* memory: the most that was seen; cpu: the last */
        uint64_t begun, done, released;
};

/* ---- the start ---- */

static int start_instance(struct run *run, const char *const *words, struct error *err)
{
        const struct compare_setup *s = run->setup;
        bool is_machine = compare_place_is_machine(run->place), is_ours = !s->files;
        const char *const options[] = {
                s->holt,         "--root",
                s->engine->root, "--run",
                s->engine->run,  "run",
                "--interactive", "--pull",
                "never",         "--no-healthcheck",
                "--name",        run->name,
                "--network",     s->network,
                "--entrypoint",  COMPARE_PROGRAM_PATH,
        };
        size_t n = 0, n_words = 0;
        own_mem const char **argv = NULL;

        while (words[n_words])
                n_words++;
        argv = calloc(MAX_OPTIONS + n_words, sizeof *argv);
        if (!argv)
                return error_set(err, ENOMEM, "out of memory");
        for (; n < ARRAY_SIZE(options); n++)
                argv[n] = options[n];
        if (is_machine)
                argv[n++] = "--vm";
        if (run->place == COMPARE_VM_COLD)
                argv[n++] = "--no-template";
        if (s->memory) {
                argv[n++] = "--memory";
                argv[n++] = s->memory;
        }
        /* Our own work wants to write where it stands, whatever the image says. */
        if (is_ours) {
                argv[n++] = "--user";
                argv[n++] = "0:0";
                argv[n++] = "--workdir";
                argv[n++] = "/";
        }
        argv[n++] = s->image;
        if (is_machine)
                argv[n++] = "--sync";
        for (size_t i = 0; i < n_words; i++)
                argv[n++] = words[i];
        return compare_child_start(&run->child, (char *const *)argv, err);
}

static int start_bare(struct run *run, const char *const *words, struct error *err)
{
        if (asprintf(&run->dir, "%s/bare", run->setup->scratch) < 0) {
                run->dir = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        if (mkdir(run->dir, 0755) < 0)
                return error_errno(err, errno, "make %s", run->dir);
        return compare_bare_start(run->setup, run->dir, words, &run->child, err);
}

/* ---- who belongs to it ---- */

static void find_claimed(struct run *run)
{
        struct compare_look machine;

        if (run->place != COMPARE_VM_WARM || !run->setup->waiting)
                return;
        run->claimed =
                (struct compare_family){ run->setup->waiting, { COMPARE_MACHINE, COMPARE_MACHINE, COMPARE_MACHINE } };
        if (compare_look(&run->claimed, &machine) == 0)
                run->cpu_before = machine.cpu[COMPARE_MACHINE];
}

static int find_family(struct run *run, struct error *err)
{
        struct compare_family *f = &run->family;
        pid_t shim;
        int r;

        if (run->place == COMPARE_BARE) {
                *f = (struct compare_family){ run->child.pid, { COMPARE_PARTS, COMPARE_PROGRAM, COMPARE_PROGRAM } };
                return 0;
        }
        r = instance_find(run->setup->engine, run->name, &run->instance, err);
        if (r < 0)
                return r;
        run->dir = strdup(run->instance->path);
        shim = compare_parent_of(run->instance->state.pid);
        if (!run->dir || shim <= 1)
                return error_set(err, ESRCH, "the shim of %s is not found", run->name);
        *f = run->place == COMPARE_CONTAINER
                     ? (struct compare_family){ shim, { COMPARE_SHIM, COMPARE_PROGRAM, COMPARE_PROGRAM } }
                     : (struct compare_family){ shim, { COMPARE_SHIM, COMPARE_MONITOR, COMPARE_MACHINE } };
        return 0;
}

static uint64_t sum_of(const uint64_t parts[COMPARE_PARTS])
{
        uint64_t sum = 0;

        for (unsigned p = 0; p < COMPARE_PARTS; p++)
                sum += parts[p];
        return sum;
}

static void add_claimed(const struct run *run, struct compare_look *now)
{
        struct compare_look machine;

        if (compare_look(&run->claimed, &machine) < 0)
                return;
        now->cpu[COMPARE_MACHINE] += machine.cpu[COMPARE_MACHINE] - run->cpu_before;
        now->memory[COMPARE_MACHINE] += machine.memory[COMPARE_MACHINE];
        now->hidden |= machine.hidden;
}

static void look(void *userdata)
{
        struct run *run = userdata;
        struct compare_look now;

        if (compare_look(&run->family, &now) < 0)
                return;
        if (run->claimed.first && !now.memory[COMPARE_MACHINE])
                add_claimed(run, &now);
        memcpy(run->most.cpu, now.cpu, sizeof now.cpu);
        run->most.hidden |= now.hidden;
        if (sum_of(now.memory) > sum_of(run->most.memory))
                memcpy(run->most.memory, now.memory, sizeof now.memory);
}

/* A cgroup counts also those that are dead already. */
static void count_program(const struct run *run, struct compare_sample *s)
{
        const struct instance *i = run->instance;
        struct instance_stats counted = {};
        struct error ignored;

        if (run->place == COMPARE_BARE)
                s->cpu[COMPARE_PROGRAM] = s->own_cpu;
        if (run->place != COMPARE_CONTAINER || !i)
                return;
        if (i->backend->stats(run->setup->engine->run, i->id, &counted, &ignored) == 0 &&
            counted.cpu_ns != COMPARE_UNKNOWN && counted.cpu_ns)
                s->cpu[COMPARE_PROGRAM] = counted.cpu_ns;
        else if (s->own_cpu > s->cpu[COMPARE_PROGRAM])
                s->cpu[COMPARE_PROGRAM] = s->own_cpu;
}

/* ---- the end ---- */

/* The command has ended, and its shim is our child now. What it and all below it have used; 0: it is not known. */
static uint64_t reap_shim(pid_t shim)
{
        own_fd int pidfd = process_open(shim);
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        struct rusage u;
        int status;

        if (pidfd < 0 || poll(&p, 1, END_MS) <= 0 || wait4(shim, &status, WNOHANG, &u) != shim)
                return 0;
        return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * 1000000000 +
               ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) * 1000;
}

/* Others that were left to us, by shims and commands. */
static void reap_others(void)
{
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

static int end(struct run *run, struct compare_sample *s, struct error *err)
{
        bool is_bare = run->place == COMPARE_BARE;
        uint64_t command = 0, all, known;
        int status = compare_child_end(&run->child, &command, err);

        if (status < 0)
                return status;
        s->values[COMPARE_WHOLE] = run->done - run->child.born + (compare_now() - run->released);
        if (!is_bare) {
                known = sum_of(s->cpu) - (run->claimed.first ? s->cpu[COMPARE_MACHINE] : 0);
                all = reap_shim(run->family.first);
                s->cpu[COMPARE_SHIM] += all > known ? all - known : 0;
                s->cpu[COMPARE_COMMAND] = command;
        }
        s->values[COMPARE_CPU] = sum_of(s->cpu);
        if (status == 0)
                return 0;
        return error_set(err, EIO, "the work ended with %d: %s", status, compare_child_last_words(&run->child));
}

/* ---- all of it ---- */

/*
 * When it was, of the time that the work says and the one in which we heard of it. Its own is better: we may have had
 * to wait for a processor. But a guest has a clock of its own.
 */
static void settle_time(const struct run *run, uint64_t said, uint64_t before, uint64_t *heard)
{
        if (!compare_place_is_machine(run->place) && said >= before && said <= *heard)
                *heard = said;
}

/* Each with a space before it, and nothing else. */
static bool read_numbers(const char *text, uint64_t *ret, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char *rest;

                if (*text != ' ' || !isdigit((unsigned char)text[1]))
                        return false;
                ret[i] = strtoull(text + 1, &rest, 10);
                text = rest;
        }
        return !*text;
}

static int read_lines(struct run *run, const char *begin, const char *end, struct compare_sample *s, struct error *err)
{
        uint64_t begun, done[3];

        if (!read_numbers(begin, &begun, 1) || !read_numbers(end, done, ARRAY_SIZE(done)))
                return error_set(err, EPROTO, "the work says how it went in words that are not known");
        settle_time(run, begun, run->child.born, &run->begun);
        settle_time(run, done[0], run->begun, &run->done);
        s->own_cpu = done[1];
        s->sum = done[2];
        return 0;
}

static void keep_look(struct run *run, struct compare_sample *s)
{
        uint64_t disk;

        look(run);
        memcpy(s->cpu, run->most.cpu, sizeof s->cpu);
        memcpy(s->memory, run->most.memory, sizeof s->memory);
        count_program(run, s);
        s->values[COMPARE_MEMORY] = run->most.hidden ? COMPARE_UNKNOWN : sum_of(s->memory);
        s->values[COMPARE_DISK] = disk_usage(run->dir, &disk) == 0 ? disk : COMPARE_UNKNOWN;
}

static int work(struct run *run, const char *const *words, struct compare_sample *s, struct error *err)
{
        struct compare_child *c = &run->child;
        char begin[COMPARE_LINE], end_of_work[COMPARE_LINE], ignored[COMPARE_LINE];
        uint64_t ready;
        int r = run->place == COMPARE_BARE ? start_bare(run, words, err) : start_instance(run, words, err);

        if (r == 0)
                r = compare_child_wait_for(c, "begin", NULL, NULL, begin, &run->begun, err);
        if (r == 0)
                r = find_family(run, err);
        if (r == 0)
                r = compare_child_wait_for(c, "end", look, run, end_of_work, &run->done, err);
        if (r == 0)
                r = read_lines(run, begin, end_of_work, s, err);
        if (r == 0)
                r = compare_child_wait_for(c, "ready", NULL, NULL, ignored, &ready, err);
        if (r == -EPIPE && *compare_child_last_words(c))
                return error_set(err, EPIPE, "%s", compare_child_last_words(c));
        if (r < 0)
                return r;
        s->values[COMPARE_START] = run->begun - c->born;
        s->values[COMPARE_WORK] = run->done - run->begun;
        keep_look(run, s);
        run->released = compare_now();
        return end(run, s, err);
}

static void name_instance(const char *name, char ret[INSTANCE_NAME])
{
        snprintf(ret, INSTANCE_NAME, "compare-%s", name);
}

void compare_remove_instance(const struct compare_setup *s, const char *name)
{
        char instance[INSTANCE_NAME];
        const char *argv[] = { s->holt, "--root", s->engine->root, "--run", s->engine->run, "rm",
                               "-f",    "-v",     instance,        NULL };
        own_compare_child struct compare_child remover = COMPARE_CHILD_NONE;
        struct error ignored;
        uint64_t cpu;

        name_instance(name, instance);
        remover.signals = -1; /* one that ends us does not stop the cleaning up */
        if (compare_child_start(&remover, (char *const *)argv, &ignored) == 0)
                compare_child_end(&remover, &cpu, &ignored);
}

/* What was written goes, whatever has become of the rest. */
static void remove_all(struct run *run)
{
        compare_child_kill(&run->child);
        if (run->place != COMPARE_BARE) {
                compare_remove_instance(run->setup, run->setup->name);
                reap_others();
        } else if (run->dir) {
                fd_remove_tree_at(-1, run->dir);
        }
}

int compare_run(const struct compare_setup *s, enum compare_place place, const char *const *words,
                struct compare_sample *ret, struct error *err)
{
        struct run run = { .setup = s, .place = place, .child = COMPARE_CHILD_NONE };
        struct compare_sample sample = {};
        int r;

        run.child.signals = s->signals;
        run.child.pool = place == COMPARE_VM_WARM ? "1" : "none";
        find_claimed(&run);
        name_instance(s->name, run.name);
        r = work(&run, words, &sample, err);
        remove_all(&run);
        free(run.dir);
        instance_free(run.instance);
        if (r < 0)
                return r == -ECANCELED ? r : error_wrap(err, "%s", compare_place_name(place));
        *ret = sample;
        return 0;
}
