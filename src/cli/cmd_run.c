/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/image_pull.h"
#include "instance/run.h"

enum { N_LISTS = 10 };

struct list_option {
        unsigned id;
        const char *const **to;
};

struct lists {
        const char **items[N_LISTS]; /* malloc'ed */
};

static void lists_finish(struct lists *l)
{
        for (size_t i = 0; i < N_LISTS; i++)
                free(l->items[i]);
}
#define own_lists __attribute__((cleanup(lists_finish)))

static int read_lists(const struct args *a, struct run_options *o, struct lists *l, struct error *err)
{
        const struct list_option options[N_LISTS] = {
                { OPTION_ENV, &o->env },         { OPTION_ENV_FILE, &o->env_files },
                { OPTION_VOLUME, &o->volumes },  { OPTION_MOUNT, &o->mounts },
                { OPTION_TMPFS, &o->tmpfs },     { OPTION_DEVICE, &o->devices },
                { OPTION_CAP_ADD, &o->cap_add }, { OPTION_CAP_DROP, &o->cap_drop },
                { OPTION_ULIMIT, &o->ulimits },  { OPTION_SECURITY_OPT, &o->security_opts },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < N_LISTS; i++) {
                r = args_list(a, options[i].id, &l->items[i], err);
                *options[i].to = l->items[i];
        }
        return r;
}

static void read_values(const struct args *a, struct run_options *o)
{
        *o = (struct run_options){
                .command = a->n_operands > 1 ? (const char *const *)a->operands + 1 : NULL,
                .interactive = args_flag(a, OPTION_INTERACTIVE),
                .tty = args_flag(a, OPTION_TTY),
                .read_only = args_flag(a, OPTION_READ_ONLY),
                .name = args_str(a, OPTION_NAME),
                .hostname = args_str(a, OPTION_HOSTNAME),
                .workdir = args_str(a, OPTION_WORKDIR),
                .user = args_str(a, OPTION_USER),
                .entrypoint = args_str(a, OPTION_ENTRYPOINT),
                .memory = args_str(a, OPTION_MEMORY),
                .memory_swap = args_str(a, OPTION_MEMORY_SWAP),
                .cpus = args_str(a, OPTION_CPUS),
                .cpu_shares = args_str(a, OPTION_CPU_SHARES),
                .cpuset_cpus = args_str(a, OPTION_CPUSET_CPUS),
                .pids_limit = args_str(a, OPTION_PIDS_LIMIT),
                .shm_size = args_str(a, OPTION_SHM_SIZE),
        };
        /* An empty one is not the same as none: the image's is not wanted. */
        if (!o->entrypoint && args_has(a, OPTION_ENTRYPOINT))
                o->entrypoint = "";
}

/* In Docker's words. */
static void report_missing(const char *name)
{
        own_buf struct buf line = {};

        buf_addf(&line, "Unable to find image '%s' locally\n", name);
        report_text(&line);
}

/* Standard output is the program's: all that a pull has to say goes to standard error. */
static int pull(const struct invocation *inv, struct store *store, enum pull_policy policy, struct pulled_image *ret,
                struct error *err)
{
        bool quiet = args_flag(&inv->args, OPTION_QUIET);
        own_image_pull struct image_pull p = {};
        own_buf struct buf status = {};
        int r = image_pull_open(&p, inv, store, err);

        if (r < 0)
                return r;
        p.policy = policy;
        p.missing = quiet ? NULL : report_missing;
        r = image_pull(&p, inv->args.operands[0], ret, err);
        if (r < 0)
                return r;
        if (*ret->digest.text && !quiet) {
                pulled_image_add_status(ret, &status);
                report_text(&status);
        }
        return 0;
}

static int pull_and_run(struct invocation *inv, struct run_options *o, struct error *err)
{
        enum pull_policy policy = PULL_MISSING;
        own_store struct store *store = NULL;
        own_pulled_image struct pulled_image image = {};
        int r = pull_policy_parse("pull", args_str(&inv->args, OPTION_PULL), false, &policy, err);

        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = pull(inv, store, policy, &image, err);
        if (r < 0)
                return r;
        o->debug = inv->debug ? report_debug_line : NULL;
        return run_image(store, image.info, o, &inv->exit_status, err);
}

int cmd_run(struct invocation *inv, struct error *err)
{
        own_lists struct lists lists = {};
        struct run_options o;
        int r;

        inv->failure_status = RUN_EXIT_FAILED;
        read_values(&inv->args, &o);
        o.warn = report_warning;
        r = read_lists(&inv->args, &o, &lists, err);
        if (r == 0)
                r = pull_and_run(inv, &o, err);
        if (r < 0 && inv->exit_status)
                inv->failure_status = inv->exit_status;
        return r;
}
