/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the program: its global options, its command, and what the commands share. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "container/container.h"
#include "oci_options.h"
#include "programs/oci/root.h"

enum log_format { LOG_TEXT, LOG_JSON };

struct invocation {
        struct args args; /* of the command */
        const char *id;   /* the first operand of a command that takes a container, else NULL */
        struct root root;
        bool debug, systemd_cgroup;
        const char *log; /* NULL: none */
        enum log_format log_format;
        int exit_status;    /* what the program ends with when the command succeeds */
        int failure_status; /* and when it fails */
};

/* Every command: 0, or a negative errno with *err filled. */
typedef int command_function(struct invocation *inv, struct error *err);

command_function cmd_checkpoint, cmd_create, cmd_delete, cmd_events, cmd_exec, cmd_features, cmd_kill, cmd_list,
        cmd_pause, cmd_ps, cmd_restore, cmd_resume, cmd_run, cmd_spec, cmd_start, cmd_state, cmd_update;

/* Fills `ret` from the options that create, run, restore and exec have in common. Its strings live as long as inv and
 * *ret_bundle. */
int invocation_options(const struct invocation *inv, struct container_options *ret, char **ret_bundle,
                       struct error *err);

/* Loads the container that the first operand names. */
int invocation_container(const struct invocation *inv, struct container *ret, struct error *err);

/* Writes the buffer to standard output; a failed write or a buffer that ran out of memory is an error. */
int output_write(const struct buf *out, struct error *err);
