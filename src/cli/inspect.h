/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of `inspect`, whatever is inspected: an array in Docker's form, or a line for each by --format. */
#pragma once

#include "base/json.h"
#include "cli/invocation.h"

typedef int inspect_write(void *userdata, const char *name, struct json_writer *w, struct error *err);

/* Writes what each operand names; what fails is reported, and makes inv->exit_status 1. */
int inspect_operands(struct invocation *inv, inspect_write *write, void *userdata, struct error *err);
