/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The labels of SELinux: the process' and that of all that is mounted for it. They are made of the host's contexts for
 * containers, --security-opt label=... and a level (an MCS pair, "s0:c1,c2") that keeps instances apart.
 */
#pragma once

#include "base/error.h"
#include "instance/options.h"
#include "sys/selinux.h"

/* "": none. init: the process' of a system (system_container.h). */
struct selinux_labels {
        char process[SELINUX_LABEL_SIZE], init[SELINUX_LABEL_SIZE], mount[SELINUX_LABEL_SIZE];
};

/*
 * As Docker does: --privileged and the host's pids or IPC take the process' label away, unless another one is asked
 * for. -EINVAL: one that cannot be one.
 */
int selinux_labels_make(const struct selinux_contexts *c, const struct instance_options *o, const char *level,
                        struct selinux_labels *ret, struct error *err);

/* The label of what several instances have: it has no categories. */
int selinux_label_share(const char *label, char ret[SELINUX_LABEL_SIZE], struct error *err);
