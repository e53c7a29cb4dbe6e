/* SPDX-License-Identifier: Apache-2.0 */
/* One execution of a template; private to the template*.c files. */
#pragma once

#include "cli/template_nodes.h"

/* What a template may cost: loops inside of loops over one list make n * n * n ... steps. */
enum { TEMPLATE_MAX_STEPS = 1 << 20, TEMPLATE_MAX_TEXT = 16 << 20, TEMPLATE_MAX_MADE = 64 << 20 };

struct template_run {
        const struct template *template;
        struct template_value variables[TEMPLATE_MAX_VARIABLES];
        struct arena arena; /* of what was made on the way */
        size_t made, steps;
        struct buf *out;
        size_t begin;  /* of what this run has added to out */
        bool titles;   /* the values are titles of columns */
        bool no_field; /* that is what failed */
        struct error *err;
};

/* Memory for values that live as long as the run; NULL with the error set when it is too much. */
void *template_make(struct template_run *run, size_t count, size_t size);

/* Makes the buffer's content the value. */
int template_set_text(struct template_run *run, const struct buf *b, struct template_value *ret);

/* Refuses a value of another kind: -EINVAL. */
int template_want(struct template_run *run, const struct template_value *v, enum template_kind kind);

/* A number that counts bytes or items, 0 to `most`. */
int template_want_index(struct template_run *run, const struct template_value *v, size_t most, size_t *ret);
