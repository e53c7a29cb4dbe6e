/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where QEMU runs, and with it whatever a guest makes of it. It is nobody, without capabilities and unable to get any; it
 * opens no file but its own program, libraries and firmware, which its start needs; it makes no socket, enters and makes
 * no namespace, and has none of the kernel's interfaces that its own `-sandbox on` leaves and a machine does not need.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "vm/accelerator.h"

struct qemu_sandbox {
        enum accelerator accelerator;
        const char *program; /* its path */
        /* Files that it opens again by /proc/self/fd, to read and write; those in memory need not be among them. */
        const int *reopened;
        size_t n_reopened;
};

/* In the process that is to become QEMU. */
int qemu_sandbox_enter(const struct qemu_sandbox *s, struct error *err);
