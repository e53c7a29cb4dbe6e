/* SPDX-License-Identifier: Apache-2.0 */
/* An instance as a row of `ps`, in Docker's words. */
#pragma once

#include "base/buf.h"
#include "cli/format.h"
#include "instance/instance.h"

extern const struct format_field instance_fields[];

struct row_options {
        bool whole, size;
};

/* Appends the JSON object that f shows. */
void instance_row(struct engine *e, const struct instance *i, const struct row_options *o, const struct format *f,
                  struct buf *out);

/* "Up 3 minutes (healthy)", "Exited (1) 2 hours ago" */
void instance_status_text(const struct instance *i, struct buf *out);
