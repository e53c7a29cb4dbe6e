/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories and files of the host for a guest: the server's end of FUSE over a byte stream (linux/fuse.h; the
 * guest's end is its kernel, whose requests holt-agent passes on).
 *
 * Theory of operation. The root that a guest mounts has an entry for each share: "0", "1", ... Each is a detached mount
 * whose root is a descriptor: it is read-only when the share is, nothing leads out of it by "..", and links are never
 * followed here but by the guest. What a guest knows of is an inode (inode.c): found by its parent and its name, which
 * is one component, and known again by device, number, mount and birth. Descriptors of them are opened when they are
 * needed and closed when there are too many, so that a guest may look at any number of files.
 *
 * The guest is hostile. Requests are checked for their sizes before anything looks into them (request.c), numbers of
 * inodes and of open files are indexes that are looked up, and only regular files and directories are ever opened: no
 * device, no FIFO. One request is served at a time, and nothing is kept of it but locks that are waited for (lock.c),
 * whose number is limited. Who does not read his answers gets no further ones: memory is bounded.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * Of holt-share, whose argument is the number of shares, and SHARE_OF_COPY for the guest of a copy: the stream, and the
 * first share.
 */
enum { SHARE_STREAM = 3, SHARE_FIRST = 4, SHARE_MAX = 64 };

#define SHARE_OF_COPY "copy"

/*
 * The answer without a request that asks a guest to drop its caches: behind fuse_out_header's `error`, where the
 * kernel's own notifications are small numbers.
 */
enum { SHARE_NOTIFY_DROP_CACHES = 0x686f6c74 };

struct share_server;

/* stream: a connected socket that blocks. roots: O_PATH. Both stay the caller's. NULL: out of memory. */
struct share_server *share_server_new(int stream, const int *roots, size_t n);
void share_server_free(struct share_server *s);

/*
 * The guest has greeted another server, of as many shares, and has inodes and open files of that one: they are ESTALE here,
 * and its kernel looks for a path anew then. No number given from here on is one of those. 0 or -errno.
 */
int share_server_follow(struct share_server *s);

/* Until the stream ends: 0. -EPROTO: what came is no request. */
int share_serve(struct share_server *s, struct error *err);

/* Bytes that came, as if they had come by the stream: for tests. */
int share_serve_bytes(struct share_server *s, const void *data, size_t len);

/* From here on this process has nothing but its descriptors, and what changes files. The working directory becomes that
 * of its own descriptors (/proc/self/fd), by which the server opens again what it has. */
int share_sandbox_enter(struct error *err);
/* The part of it that the server cannot do without. */
int share_enter_descriptors(struct error *err);
