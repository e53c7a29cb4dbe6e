/* SPDX-License-Identifier: Apache-2.0 */
/* The process holt-fetch. */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"

struct transfer_process {
        pid_t pid;
        int pidfd; /* -1: not started */
        char path[PATH_MAX];
};

/*
 * Starts the holt-fetch that stands beside this program, or in its libexec directory; *ret_sock is our end of its
 * socket. It goes when we go.
 */
int transfer_process_start(struct transfer_process *ret, int *ret_sock, struct error *err);

/* It went without a last word: waits for it and says how it ended. */
int transfer_process_lost(struct transfer_process *p, struct error *err);

/* Ends it, if it still runs, and waits for it. */
void transfer_process_finish(struct transfer_process *p);
#define own_transfer_process __attribute__((cleanup(transfer_process_finish)))
