/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled filter as a file: in the cache, where its key stands beside it, and in a
 * container's state, where exec looks for it (with no key). A header, the key, the program;
 * host byte order, since it never leaves the host.
 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct seccomp_file {
        uint32_t flags, notify;
        const void *key;
        size_t key_len;
        const struct sock_filter *program;
        size_t n_instructions;
};

/* 64 bits of the bytes, which end at a multiple of 8 or are taken as if zeroes followed. No secret is in it. */
uint64_t seccomp_hash(const void *data, size_t len);

/*
 * Takes the content of a file apart: every size has to fit exactly, the program has 1 to BPF_MAXINSNS instructions
 * and agrees with its checksum. `data` is aligned for uint64_t. *ret points into it. 0 or -EBADMSG.
 */
int seccomp_file_parse(const void *data, size_t len, struct seccomp_file *ret);

/* Appends the file's content. */
void seccomp_file_format(const struct seccomp_file *f, struct buf *out);

/*
 * Reads a file that nobody but its owner (us) can have written. *ret_data is malloc'ed and holds what *ret points to.
 * -errno, -EPERM for a file of others, -EBADMSG for one that is damaged.
 */
int seccomp_file_read(int dirfd, const char *name, void **ret_data, struct seccomp_file *ret);

enum { SECCOMP_CACHE_NAME = 32 };

/* The name of the key's file in a cache. */
void seccomp_cache_name(const struct buf *key, char ret[SECCOMP_CACHE_NAME]);

/* The cache: dirfd/<hash of the key>.bpf. -ENOENT when the key is not there. */
int seccomp_cache_find(int dirfd, const struct buf *key, void **ret_data, struct seccomp_file *ret);

/* Keeps a file in the cache, and no more than 64 of them: the oldest goes. */
int seccomp_cache_store(int dirfd, const struct buf *key, const struct seccomp_file *f);
