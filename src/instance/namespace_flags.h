/* SPDX-License-Identifier: Apache-2.0 */
/* --pid, --ipc, --uts, --cgroupns and --userns. The network's is instance_network.h's. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/options.h"

enum namespace_mode {
        NAMESPACE_OWN,
        NAMESPACE_HOST,
        NAMESPACE_INSTANCE,  /* container:NAME */
        NAMESPACE_SHAREABLE, /* ipc: its own, and others may join it */
        NAMESPACE_NONE,      /* ipc: its own, and no /dev/shm */
};

struct namespace_modes {
        enum namespace_mode pid, ipc, uts, cgroup;
        bool own_users; /* user_range.h */
};

/* Also what contradicts them: a host name in the host's namespace. */
int namespace_flags_read(const struct instance_options *o, struct namespace_modes *ret, struct error *err);

/* NAME of "container:NAME" (of --pid, --ipc and --network); NULL for anything else. */
const char *namespace_flag_instance(const char *value);
