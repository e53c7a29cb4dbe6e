/* SPDX-License-Identifier: Apache-2.0 */
/* What this host is. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum { HOST_SECURITY_MAX = 6 };

struct host_facts {
        const char *cgroup_layout;               /* "unified", "hybrid", "legacy", "none" */
        const char *security[HOST_SECURITY_MAX]; /* in Docker's words: "name=seccomp,profile=builtin" */
        size_t n_security;
        char *operating_system; /* "Debian GNU/Linux 12 (bookworm)" */
};

/* top: "", or the directory that stands for "/". */
int host_facts_read(const char *top, struct host_facts *ret, struct error *err);
void host_facts_finish(struct host_facts *h);
#define own_host_facts __attribute__((cleanup(host_facts_finish)))
