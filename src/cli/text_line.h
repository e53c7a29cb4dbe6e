/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Appends a stranger's text as one line that is harmless to a terminal: control characters become spaces. More than
 * `width` characters are cut, the last one an ellipsis; 0: no limit.
 */
void text_add_line(struct buf *out, const char *text, size_t width);

/* The same of any number of lines: newlines and tabs stay. */
void text_add_lines(struct buf *out, const char *text);
