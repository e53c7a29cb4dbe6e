/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's policy of SELinux has for containers. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum { SELINUX_LABEL_SIZE = 256 };

/* "" where the policy says nothing. layer: of files that no container writes to and all may read. */
struct selinux_contexts {
        char process[SELINUX_LABEL_SIZE], init[SELINUX_LABEL_SIZE], file[SELINUX_LABEL_SIZE];
        char layer[SELINUX_LABEL_SIZE];
};

/* Whether this host has it, enforcing or not. */
bool selinux_is_there(void);

/* Those of the container-selinux package, or of the host's policy; all are "" when there are none,
 * or the policy that is loaded does not know them. */
int selinux_contexts_load(struct selinux_contexts *ret, struct error *err);
/* The text of such a file: lines 'process = "system_u:system_r:container_t:s0"'. */
void selinux_contexts_parse(const char *text, struct selinux_contexts *ret);
