/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel of a guest: a distribution's own, as its package brings it. One that was unpacked for holt alone, in
 * ROOT/vm/kernels/RELEASE (boot/vmlinuz-RELEASE, lib/modules/RELEASE), goes before the host's, of which only those for
 * clouds are taken: they have few modules, and boot in half the time. In a directory of its own holt writes down what
 * depmod(8) would (module_index.h), and keeps an image of all modules.
 */
#pragma once

#include "base/error.h"

struct guest_kernel {
        char *release; /* as uname -r says it */
        char *image;   /* path of the bzImage */
        char *modules; /* path of lib/modules/RELEASE */
        char *own;     /* the directory that was unpacked for holt alone; NULL: it is the host's */
};

#define own_guest_kernel __attribute__((cleanup(guest_kernel_finish)))
void guest_kernel_finish(struct guest_kernel *k);

/* The newest. -ENOENT says which package to install. */
int guest_kernel_find(const char *root, struct guest_kernel *ret, struct error *err);
/* The same on a host whose "/" is elsewhere. */
int guest_kernel_find_below(const char *top, const char *root, struct guest_kernel *ret, struct error *err);
