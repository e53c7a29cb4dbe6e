/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What depmod(8) writes into /lib/modules/RELEASE for modprobe(8), of a kernel that was only unpacked: which modules
 * another one needs, and which one is meant by a name that the kernel asks for. As text (modules.dep, modules.alias)
 * and as the tries into which kmod looks (modules.dep.bin, modules.alias.bin, modules.builtin.bin).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Writes them, unless they are there. directory: /lib/modules/RELEASE. */
int module_index_write(int directory, struct error *err);

/* --- module_trie.c --- */
struct trie_entry {
        const char *key; /* of ASCII */
        const char *value;
        uint32_t priority; /* of those with the same key the smallest is the first */
};

/* Appends the file that has them (libkmod/libkmod-index.c); they are put in order. */
void module_trie_write(struct trie_entry *v, size_t n, struct buf *out);
