/* SPDX-License-Identifier: Apache-2.0 */
/* One directive of printf ("%-20s") and the value that it shows; private to the template*.c files. */
#pragma once

#include "cli/template_value.h"

enum { TEMPLATE_MAX_WIDTH = 10000 };

struct template_verb {
        bool minus, plus, sharp, space, zero;
        int width, precision; /* -1: none */
        char letter;
};

/* As Go does, with "%!d(string=x)" for what the letter does not suit. 0 or -ENOMEM. */
int template_verb_add(struct buf *out, const struct template_verb *verb, const struct template_value *v);

/* With quotation marks and Go's escapes; ascii: nothing beyond it stays. */
void template_quote(struct buf *out, const char *text, size_t len, char quote, bool ascii);
