/* SPDX-License-Identifier: Apache-2.0 */
/* {{.Name}} of a value; private to the template*.c files. */
#pragma once

#include "cli/template_run.h"

/* -EINVAL for a field that is not there, unless it is in a map of people's own keys, which gives VALUE_NONE. */
int template_field(struct template_run *run, const struct template_value *of, const char *name,
                   struct template_value *ret);
