/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: opening below a directory without leaving it, reading and writing
 * whole files, passing descriptors over sockets. All descriptors are O_CLOEXEC.
 * Functions return a negative errno and say nothing; callers know the context.
 */
#pragma once

#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* openat2(2), Linux 5.6. flags get O_CLOEXEC. Returns a descriptor or -errno. Retries on EAGAIN (RESOLVE_IN_ROOT
 * races). */
int fd_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/*
 * Opens `path` as a process chrooted into `rootfd` would see it: absolute links and
 * ".." stay inside, magic links are refused. flags as for open(2).
 */
int fd_open_in_root(int rootfd, const char *path, uint64_t flags);

/*
 * Creates the directories of `path` that are missing (mode 0755) below rootfd, with
 * the same resolution, and returns an O_PATH descriptor of the last. A dangling link
 * in the way is followed inside the root and its target created.
 */
int fd_mkdir_in_root(int rootfd, const char *path, mode_t mode);

/* The same for an empty regular file: its parents are created with mode 0755. An existing file of any type is opened.
 */
int fd_create_in_root(int rootfd, const char *path, mode_t mode);

/* mkdir -p of a path that we trust: 0 or -errno. */
int fd_mkdir_all(const char *path, mode_t mode);

/* Reads to the end (at most `max` bytes, else -EFBIG); appends to `ret`. */
int fd_read_all(int fd, size_t max, struct buf *ret);

/* Reads a small file such as those of /proc: at most `size` - 1 bytes and a NUL; the final newline is cut. Returns the
 * length. */
ssize_t fd_read_file_at(int dirfd, const char *path, char *data, size_t size);

/* Writes all bytes, in as many writes as needed. */
int fd_write_all(int fd, const void *data, size_t len);

/* One open(O_WRONLY), one write(2) of the whole string, close: for cgroup and /proc files. */
int fd_write_file_at(int dirfd, const char *path, const char *text);

/* Writes dirfd/name atomically: a new file beside it, then rename. */
int fd_replace_file_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode);

/* Removes a tree below dirfd, of any depth, without following links; a missing one is no error. Goes on after what
 * cannot be removed. */
int fd_remove_tree_at(int dirfd, const char *name);

/* Sends `len` bytes (> 0) and the descriptors (at most 32) over a Unix socket. */
int fd_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds);

/*
 * Receives one message of at most `size` bytes; up to *n_fds descriptors go to fds, *n_fds is
 * set to the number received. Returns the length, 0 at the end of the stream.
 */
ssize_t fd_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds);

/* Connects to a Unix stream socket by path; paths over 107 bytes are reached through a descriptor of their directory.
 */
int fd_connect_unix(const char *path);

/* Marks every descriptor from `first` on close-on-exec (close_range(2), Linux 5.11). */
int fd_cloexec_from(unsigned first);

/*
 * Closes all descriptors but 0 to 2, those of `keep` (-1: none), and of the next `preserved` those that are not marked
 * close-on-exec: they are the caller's, not ours. 0 or -errno.
 */
int fd_close_others(unsigned preserved, const int *keep, size_t n_keep);

/*
 * Puts /dev/null where the caller closed standard input, output or error: what is opened next would take their place,
 * get error messages, and be handed to children. 0 or -errno.
 */
int fd_hold_standard(void);
