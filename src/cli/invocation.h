/* SPDX-License-Identifier: Apache-2.0 */
/* One call of holt: its global options, its command, and what the commands share. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "holt_options.h"

struct invocation {
        struct args args;       /* of the command */
        const char *root, *run; /* --root, --run or the environment; NULL: the store's default */
        bool debug;
        int exit_status;    /* what the program ends with when the command succeeds */
        int failure_status; /* and when it fails: 1, unless the command sets another */
};

/* Every command: 0, or a negative errno with *err filled; -EMISUSED (misuse.h) for options that make no sense. */
typedef int command_function(struct invocation *inv, struct error *err);

command_function cmd_attach, cmd_clone, cmd_commit, cmd_compare, cmd_container_prune, cmd_cp, cmd_create, cmd_diff,
        cmd_doctor, cmd_events, cmd_exec, cmd_export, cmd_generate_systemd, cmd_history, cmd_image_bootstrap,
        cmd_image_inspect, cmd_image_mount, cmd_image_prune, cmd_image_tree, cmd_image_umount, cmd_images, cmd_import,
        cmd_info, cmd_inspect, cmd_instance_ended, cmd_kill, cmd_load, cmd_login, cmd_logout, cmd_logs,
        cmd_network_connect, cmd_network_create, cmd_network_disconnect, cmd_network_inspect, cmd_network_ls,
        cmd_network_prune, cmd_network_rm, cmd_pause, cmd_port, cmd_ps, cmd_pull, cmd_push, cmd_rename, cmd_restart,
        cmd_rm, cmd_rmi, cmd_run, cmd_save, cmd_search, cmd_snapshot_create, cmd_snapshot_ls, cmd_snapshot_restore,
        cmd_snapshot_rm, cmd_start, cmd_stats, cmd_stop, cmd_system_boot, cmd_system_check, cmd_system_df,
        cmd_system_disable, cmd_system_enable, cmd_system_kernel, cmd_system_pool, cmd_system_prune,
        cmd_system_shutdown, cmd_tag, cmd_template_create, cmd_template_inspect, cmd_template_ls, cmd_template_prune,
        cmd_template_rm, cmd_top, cmd_unpause, cmd_update, cmd_version, cmd_volume_create, cmd_volume_inspect,
        cmd_volume_ls, cmd_volume_prune, cmd_volume_rm, cmd_wait;

/* Writes the buffer to standard output; a failed write or a buffer that ran out of memory is an error. */
int output_write(const struct buf *out, struct error *err);

/* A line on standard error: what went wrong, and what went wrong without stopping anything. */
void report_error(const char *text);
void report_warning(const char *text);
/* What --debug shows; report_debug() looks whether it was given. */
void report_debug_line(const char *text);
void report_debug(const struct invocation *inv, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines for standard error as they are. */
void report_text(const struct buf *lines);

/* A question on standard error, answered on standard input: whether it was "y" or "yes". */
bool ask(const char *question);

/* The value of a switch's --format or of another choice: -EMISUSED unless it is NULL or one of them. */
int check_choice(const char *option, const char *value, const char *const *choices, struct error *err);
