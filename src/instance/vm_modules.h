/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of a guest's kernel, all of them, as an EROFS image of what is /lib/modules elsewhere. It is made once a
 * kernel: beside one that was unpacked for holt alone, else as ROOT/vm/boot/modules-DIGEST.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/options.h"
#include "vm/guest_kernel.h"

/* Where the agent has that, and holt-init (agent/guest.h). */
#define VM_MODULES "/run/holt/modules"
#define VM_INIT "/run/holt/init"

/* Whether it is for an instance: one that may do more than others. */
bool vm_modules_wanted(const struct instance_options *o);

/* Where it is when it is made. *ret_path is malloc'ed. */
int vm_modules_path(const char *root, const struct guest_kernel *k, char **ret_path, struct error *err);
/* The same, and it is made. */
int vm_modules_make(const char *root, const struct guest_kernel *k, char **ret_path, struct error *err);
