/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a command line that an instance has under the same name. */
#pragma once

#include "cli/args.h"
#include "instance/options.h"

/* Those that were given take the place of what is there. -ENOMEM. */
int instance_options_take(const struct args *a, struct instance_options *o, struct error *err);

/* The same, and what stands behind the first operand, the image, is the command. */
int instance_options_from_args(const struct args *a, struct instance_options *o, struct error *err);
