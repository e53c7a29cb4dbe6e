/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "programs/oci/invocation.h"

/* What runc ends with when the command could not be started, to tell it from the command's own status. */
enum { EXEC_FAILED = 255 };

struct exec_lists {
        const char **env, **caps, **additional_gids, **cgroups;
};

#define own_lists __attribute__((cleanup(lists_finish)))

static void lists_finish(struct exec_lists *l)
{
        free(l->env);
        free(l->caps);
        free(l->additional_gids);
        free(l->cgroups);
}

static int read_lists(const struct args *a, struct exec_lists *l, struct error *err)
{
        int r;

        r = args_list(a, OPTION_ENV, &l->env, err);
        if (r == 0)
                r = args_list(a, OPTION_CAP, &l->caps, err);
        if (r == 0)
                r = args_list(a, OPTION_ADDITIONAL_GIDS, &l->additional_gids, err);
        if (r == 0)
                r = args_list(a, OPTION_CGROUP, &l->cgroups, err);
        return r;
}

int cmd_exec(struct invocation *inv, struct error *err)
{
        const struct args *a = &inv->args;
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_lists struct exec_lists lists = {};
        struct container_options common;
        own_mem char *bundle = NULL;
        struct exec_options options;
        int r;

        inv->failure_status = EXEC_FAILED;
        if (a->n_operands < 2 && !args_str(a, OPTION_PROCESS))
                return error_set(err, EINVAL, "exec needs a command, or a process by --process");
        r = invocation_options(inv, &common, &bundle, err);
        if (r < 0)
                return r;
        r = read_lists(a, &lists, err);
        if (r < 0)
                return r;
        options = (struct exec_options){
                .common = &common,
                .process_path = args_str(a, OPTION_PROCESS),
                .args = a->operands + 1,
                .cwd = args_str(a, OPTION_CWD),
                .user = args_str(a, OPTION_USER),
                .env = lists.env,
                .caps = lists.caps,
                .additional_gids = lists.additional_gids,
                .cgroups = lists.cgroups,
                .tty = args_flag(a, OPTION_TTY),
                .no_new_privs = args_flag(a, OPTION_NO_NEW_PRIVS),
                .ignore_paused = args_flag(a, OPTION_IGNORE_PAUSED),
                .apparmor = args_str(a, OPTION_APPARMOR),
                .process_label = args_str(a, OPTION_PROCESS_LABEL),
        };
        r = invocation_container(inv, &c, err);
        return r < 0 ? r : container_exec(&c, &options, &inv->exit_status, err);
}
