/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant who typed an unknown command or option. */
#pragma once

#include "cli/args.h"

/* The nearest name below `group` ("image", or NULL for the commands of the program), or NULL when none is near. */
const char *suggest_command(const struct cli_program *program, const char *group, const char *typed);

/* The command's option whose name is nearest to the first len bytes of `typed`, or NULL when none is near. */
const char *suggest_option(const struct cli_command *command, const char *typed, size_t len);
