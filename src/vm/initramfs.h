/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest boots from: holt-agent as /init, holt-init for who wants that in his container, and in /modules the drivers
 * that the kernel does not have built in, with files that name them in the order in which they can be loaded: `order` what
 * is needed at once, `later` what can wait, `share` what host directories need.
 * It is made once for each kernel and these programs, and kept as ROOT/vm/boot/KEY.
 */
#pragma once

#include "base/error.h"
#include "base/sha256.h"
#include "vm/guest_kernel.h"

/*
 * Makes it if it is missing. agent: the path of holt-agent, beside which holt-init stands. key: what it was made from, as a
 * template has to know it: release, size and time of the kernel and of the programs. *ret_path is malloc'ed.
 */
int initramfs_make(const char *root, const struct guest_kernel *kernel, const char *agent, char ret_key[SHA256_HEX],
                   char **ret_path, struct error *err);

/* The same name without making it. */
int initramfs_key(const struct guest_kernel *kernel, const char *agent, char ret[SHA256_HEX], struct error *err);
