/* SPDX-License-Identifier: Apache-2.0 */
/* holt-oci: reads the global options, finds the command, reports how it went. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "programs/oci/invocation.h"
#include "programs/oci/log.h"
#include "programs/oci/root.h"
#include "programs/sealed_start.h"
#include "sys/fd.h"

static const struct {
        const char *name;
        command_function *run;
} functions[] = {
        { "create", cmd_create },
        { "start", cmd_start },
        { "run", cmd_run },
        { "state", cmd_state },
        { "kill", cmd_kill },
        { "delete", cmd_delete },
        { "exec", cmd_exec },
        { "list", cmd_list },
        { "ps", cmd_ps },
        { "pause", cmd_pause },
        { "resume", cmd_resume },
        { "update", cmd_update },
        { "events", cmd_events },
        { "spec", cmd_spec },
        { "features", cmd_features },
        { "checkpoint", cmd_checkpoint },
        { "restore", cmd_restore },
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

static int print_version(void)
{
        const struct scmp_version *v = seccomp_version();

        printf("holt-oci version %s\nspec: %s\nlibseccomp: %u.%u.%u\n", HOLT_VERSION, OCI_SPEC_VERSION, v->major,
               v->minor, v->micro);
        return print("");
}

/* A command line that cannot be understood: says so, and where help is. */
static int misused(const struct invocation *inv, const char *command, const struct error *err)
{
        char text[sizeof err->text + 100];

        snprintf(text, sizeof text, "%s; see holt-oci %s%s--help", err->text, command ? command : "",
                 command ? " " : "");
        log_error(inv, text);
        return 1;
}

static int check_choice(const char *option, const char *value, const char *const *choices, struct error *err)
{
        for (; value && *choices; choices++)
                if (strcmp(value, *choices) == 0)
                        return 0;
        return value ? error_set(err, EINVAL, "option --%s: invalid value \"%s\"", option, value) : 0;
}

static int read_global_options(struct invocation *inv, const struct args *global, struct error *err)
{
        static const char *const formats[] = { "text", "json", NULL };
        static const char *const rootless[] = { "auto", "true", "false", NULL };
        const char *format = args_str(global, OPTION_LOG_FORMAT);
        int r;

        inv->log = args_str(global, OPTION_LOG);
        inv->log_format = format && strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT;
        inv->debug = args_flag(global, OPTION_DEBUG);
        inv->systemd_cgroup = args_flag(global, OPTION_SYSTEMD_CGROUP);
        r = check_choice("log-format", format, formats, err);
        if (r == 0)
                r = check_choice("rootless", args_str(global, OPTION_ROOTLESS), rootless, err);
        return r < 0 ? r : root_find(args_str(global, OPTION_ROOT), &inv->root, err);
}

static int run_command(struct invocation *inv, command_function *run)
{
        struct error err = {};
        int r;

        inv->failure_status = 1;
        log_debug(inv, "%s %s", inv->args.command->name, inv->id ? inv->id : "");
        r = run(inv, &err);
        if (r < 0)
                log_error(inv, err.text);
        log_debug(inv, "%s ended with %d", inv->args.command->name, r < 0 ? r : inv->exit_status);
        return r < 0 ? inv->failure_status : inv->exit_status;
}

static int help(const struct invocation *inv, const char *name)
{
        const struct cli_command *command = name ? cli_find(&oci_program, name) : oci_program.global;
        struct error err;

        if (command)
                return print(command->help);
        error_set(&err, EINVAL, "unknown command \"%s\"", name);
        return misused(inv, NULL, &err);
}

/* argv[0] is the command's name. */
static int dispatch(struct invocation *inv, int argc, char **argv)
{
        const struct cli_command *command = cli_find(&oci_program, argv[0]);
        struct error err;

        if (!command)
                return help(inv, argv[0]);
        if (args_parse(command, argc - 1, argv + 1, &inv->args, &err) < 0)
                return misused(inv, command->name, &err);
        if (args_flag(&inv->args, OPTION_HELP))
                return print(command->help);
        if (args_check(&inv->args, &err) < 0)
                return misused(inv, command->name, &err);
        if (strcmp(command->name, "help") == 0)
                return help(inv, inv->args.operands[0]);
        inv->id = inv->args.operands[0];
        return run_command(inv, find_function(command->name));
}

int main(int argc, char **argv)
{
        struct invocation inv = {};
        own_args struct args global = {};
        struct error err;
        int status;

#ifndef HOLT_SEALED_ENTRY
        sealed_start(argv, environ);
#endif
        status = fd_hold_standard();
        if (status < 0) {
                error_errno(&err, -status, "hold the standard descriptors");
                log_error(&inv, err.text);
                return 1;
        }
        /* Ignored by whoever started us, it would have the kernel throw away how our children end. */
        signal(SIGCHLD, SIG_DFL);
        if (args_parse(oci_program.global, argc ? argc - 1 : 0, argv + 1, &global, &err) < 0)
                return misused(&inv, NULL, &err);
        if (args_flag(&global, OPTION_HELP) || (!global.n_operands && !args_flag(&global, OPTION_VERSION)))
                return help(&inv, NULL);
        if (args_flag(&global, OPTION_VERSION))
                return print_version();
        if (read_global_options(&inv, &global, &err) < 0)
                return misused(&inv, NULL, &err);
        status = dispatch(&inv, (int)global.n_operands, global.operands);
        args_finish(&inv.args);
        root_finish(&inv.root);
        return status;
}
