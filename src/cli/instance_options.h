/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a command line that an instance has under the same name. */
#pragma once

#include "cli/args.h"
#include "instance/options.h"

/* What stands behind the first operand, the image, is the command. -ENOMEM. */
int instance_options_from_args(const struct args *a, struct instance_options *o, struct error *err);
