/* SPDX-License-Identifier: Apache-2.0 */
/* holt: reads the global options, finds the command, reports how it went. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/invocation.h"
#include "cli/path.h"
#include "cli/suggest.h"
#include "programs/sealed_start.h"
#include "sys/fd.h"

/* Docker's: the command line was not understood. */
enum { STATUS_MISUSED = 125 };

static const struct {
        const char *name;
        command_function *run;
} functions[] = {
        { "attach", cmd_attach },
        { "clone", cmd_clone },
        { "commit", cmd_commit },
        { "compare", cmd_compare },
        { "container prune", cmd_container_prune },
        { "cp", cmd_cp },
        { "create", cmd_create },
        { "diff", cmd_diff },
        { "doctor", cmd_doctor },
        { "events", cmd_events },
        { "exec", cmd_exec },
        { "export", cmd_export },
        { "generate systemd", cmd_generate_systemd },
        { "history", cmd_history },
        { "image bootstrap", cmd_image_bootstrap },
        { "image inspect", cmd_image_inspect },
        { "image mount", cmd_image_mount },
        { "image prune", cmd_image_prune },
        { "image tree", cmd_image_tree },
        { "image umount", cmd_image_umount },
        { "images", cmd_images },
        { "import", cmd_import },
        { "info", cmd_info },
        { "inspect", cmd_inspect },
        { "kill", cmd_kill },
        { "load", cmd_load },
        { "login", cmd_login },
        { "logout", cmd_logout },
        { "logs", cmd_logs },
        { "network connect", cmd_network_connect },
        { "network create", cmd_network_create },
        { "network disconnect", cmd_network_disconnect },
        { "network inspect", cmd_network_inspect },
        { "network ls", cmd_network_ls },
        { "network prune", cmd_network_prune },
        { "network rm", cmd_network_rm },
        { "pause", cmd_pause },
        { "port", cmd_port },
        { "ps", cmd_ps },
        { "pull", cmd_pull },
        { "push", cmd_push },
        { "rename", cmd_rename },
        { "restart", cmd_restart },
        { "rm", cmd_rm },
        { "rmi", cmd_rmi },
        { "run", cmd_run },
        { "save", cmd_save },
        { "search", cmd_search },
        { "snapshot create", cmd_snapshot_create },
        { "snapshot ls", cmd_snapshot_ls },
        { "snapshot restore", cmd_snapshot_restore },
        { "snapshot rm", cmd_snapshot_rm },
        { "start", cmd_start },
        { "stats", cmd_stats },
        { "stop", cmd_stop },
        { "system boot", cmd_system_boot },
        { "system check", cmd_system_check },
        { "system df", cmd_system_df },
        { "system disable", cmd_system_disable },
        { "system enable", cmd_system_enable },
        { "system kernel", cmd_system_kernel },
        { "system pool", cmd_system_pool },
        { "system prune", cmd_system_prune },
        { "system shutdown", cmd_system_shutdown },
        { "tag", cmd_tag },
        { "template create", cmd_template_create },
        { "template inspect", cmd_template_inspect },
        { "template ls", cmd_template_ls },
        { "template prune", cmd_template_prune },
        { "template rm", cmd_template_rm },
        { "top", cmd_top },
        { "unpause", cmd_unpause },
        { "update", cmd_update },
        { "version", cmd_version },
        { "volume create", cmd_volume_create },
        { "volume inspect", cmd_volume_inspect },
        { "volume ls", cmd_volume_ls },
        { "volume prune", cmd_volume_prune },
        { "volume rm", cmd_volume_rm },
        { "wait", cmd_wait },
};

static command_function *find_function(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
                if (strcmp(functions[i].name, name) == 0)
                        return functions[i].run;
        return NULL;
}

static int print(const char *text)
{
        return fputs(text, stdout) < 0 || fflush(stdout) < 0 ? 1 : 0;
}

/* Says what is wrong with the command line, and where help is. */
static int misused(const char *command, const struct error *err)
{
        char text[sizeof err->text + 100];

        snprintf(text, sizeof text, "%s; see holt %s%s--help", err->text, command ? command : "", command ? " " : "");
        report_error(text);
        return STATUS_MISUSED;
}

static int unknown_command(const char *group, const char *name)
{
        const char *near = suggest_command(&holt_program, group, name);
        struct error err;

        error_set(&err, EMISUSED, "unknown command \"%s%s%s\"%s%s%s", group ? group : "", group ? " " : "", name,
                  near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
        return misused(group, &err);
}

static const struct cli_command *find_in_group(const char *group, const char *name)
{
        char full[64];

        return snprintf(full, sizeof full, "%s %s", group, name) < (int)sizeof full ? cli_find(&holt_program, full)
                                                                                    : NULL;
}

/* words: of the command's name, n of them. */
static int help(unsigned n, char **words)
{
        const struct cli_command *command, *inner;

        if (n == 0)
                return print(holt_program.global->help);
        command = cli_find(&holt_program, words[0]);
        if (!command)
                return unknown_command(NULL, words[0]);
        inner = n > 1 ? find_in_group(words[0], words[1]) : command;
        return inner ? print(inner->help) : unknown_command(words[0], words[1]);
}

static int run_command(struct invocation *inv)
{
        struct error err = {};
        int r;

        inv->failure_status = 1;
        r = find_function(inv->args.command->alias)(inv, &err);
        if (r == -EMISUSED)
                return misused(inv->args.command->name, &err);
        if (r < 0)
                report_error(err.text);
        return r < 0 ? inv->failure_status : inv->exit_status;
}

/* argv begins behind the command's name. */
static int dispatch(struct invocation *inv, const struct cli_command *command, int argc, char **argv)
{
        struct error err;

        if (args_parse(command, argc, argv, &inv->args, &err) < 0)
                return misused(command->name, &err);
        if (args_flag(&inv->args, OPTION_HELP))
                return print(command->help);
        if (command->is_group)
                return print(command->help);
        if (args_check(&inv->args, &err) < 0)
                return misused(command->name, &err);
        if (strcmp(command->alias, "help") == 0)
                return help(inv->args.n_operands, inv->args.operands);
        return run_command(inv);
}

/* What our own processes call, and no help shows. */
static int run_internal(struct invocation *inv, int argc, char **argv)
{
        static const struct cli_command command = {
                .name = "instance-ended", .alias = "instance-ended", .min_operands = 1, .max_operands = 1
        };
        struct error err;
        int r = args_parse(&command, argc, argv, &inv->args, &err);

        if (r == 0)
                r = args_check(&inv->args, &err);
        if (r == 0)
                r = cmd_instance_ended(inv, &err);
        if (r < 0)
                report_error(err.text);
        return r < 0;
}

static int find_and_dispatch(struct invocation *inv, int argc, char **argv)
{
        const struct cli_command *command = cli_find(&holt_program, argv[0]), *inner;

        if (strcmp(argv[0], "instance-ended") == 0)
                return run_internal(inv, argc - 1, argv + 1);
        if (!command)
                return unknown_command(NULL, argv[0]);
        if (!command->is_group || argc < 2 || argv[1][0] == '-')
                return dispatch(inv, command, argc - 1, argv + 1);
        inner = find_in_group(argv[0], argv[1]);
        return inner ? dispatch(inv, inner, argc - 2, argv + 2) : unknown_command(argv[0], argv[1]);
}

/* The option or, without it, the variable, as an absolute path; *ret stays NULL where neither says it. */
static int find_place(const struct args *global, unsigned id, const char *option, const char *variable, char **ret,
                      struct error *err)
{
        const char *given = args_str(global, id), *set = getenv(variable);
        int r;

        if (!given && (!set || !*set))
                return 0;
        r = path_absolute(given ? given : set, ret);
        return r < 0 ? error_errno(err, -r, "%s", given ? option : variable) : 0;
}

static int run(const struct args *global)
{
        own_mem char *root = NULL, *run_dir = NULL;
        struct invocation inv = { .debug = args_flag(global, OPTION_DEBUG) };
        struct error err;
        int r = find_place(global, OPTION_ROOT, "--root", "HOLT_ROOT", &root, &err);

        if (r == 0)
                r = find_place(global, OPTION_RUN, "--run", "HOLT_RUN", &run_dir, &err);
        if (r < 0)
                return misused(NULL, &err);
        inv.root = root;
        inv.run = run_dir;
        r = find_and_dispatch(&inv, (int)global->n_operands, global->operands);
        args_finish(&inv.args);
        return r;
}

int main(int argc, char **argv)
{
        own_args struct args global = {};
        struct error err;
        int status;

#ifndef HOLT_SEALED_ENTRY
        sealed_start(argv, environ);
#endif
        status = fd_hold_standard();

        if (status < 0) {
                error_errno(&err, -status, "hold the standard descriptors");
                report_error(err.text);
                return STATUS_MISUSED;
        }
        /* Ignored by whoever started us, it would have the kernel throw away how our children end. */
        signal(SIGCHLD, SIG_DFL);
        if (args_parse(holt_program.global, argc ? argc - 1 : 0, argv + 1, &global, &err) < 0)
                return misused(NULL, &err);
        if (args_flag(&global, OPTION_HELP) || (!global.n_operands && !args_flag(&global, OPTION_VERSION)))
                return help(0, NULL);
        if (args_flag(&global, OPTION_VERSION))
                return print("holt version " HOLT_VERSION "\n");
        return run(&global);
}
