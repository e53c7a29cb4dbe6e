/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where strangers' bytes are parsed: no user with rights, no file system but what name resolution and TLS read, no
 * programs to start, only the system calls that a transfer needs.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct sandbox {
        bool network;  /* internet sockets */
        int directory; /* one that is read and written below (an OCI layout), as the caller; -1: none */
        bool writable; /* that directory */
};

/*
 * Locks the calling process in; it must have one thread. What this host does not know (Landlock before Linux 5.13) is
 * left out; the rest is an error when it fails.
 */
int sandbox_enter(const struct sandbox *s, struct error *err);
