/* SPDX-License-Identifier: Apache-2.0 */
/* The birth of holt-vm (monitor/monitor.h says which descriptor is what). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct vm_birth {
        int program;
        int stdio[3];
        bool terminal; /* its stdio is a terminal's slave, which becomes its controlling terminal */
        int job, answer, place;
        int tap; /* -1: none */
        const int *layers;
        size_t n_layers;
        const int *shares;
        size_t n_shares;
};

/* Returns a pidfd of the child. */
int vm_spawn(const struct vm_birth *b, pid_t *ret_pid, struct error *err);
