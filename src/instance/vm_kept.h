/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that are kept beside templates of booted guests (monitor/thaw.c): their care. */
#pragma once

#include "base/error.h"

/* templates: ROOT/vm/templates. 0: it is good, or there is none; -ESTALE: of another boot, or of programs that are others
 * by now; -EBADMSG: it is damaged. */
int vm_kept_check(const char *templates, const char *key, struct error *err);
/* The next run keeps another. */
void vm_kept_remove(const char *templates, const char *key);

/* Removes those that can never be used again, and what killed makers have left; templates: also ROOT/templates. */
void vm_kept_sweep(const char *templates);
