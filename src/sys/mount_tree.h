/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount API by descriptors (Linux 5.2; mount_setattr 5.12). A detached mount is
 * a descriptor that stands nowhere in the tree until mount_attach() puts it there;
 * nobody sees it half-made, and it vanishes with its last descriptor.
 * All return a descriptor or 0, or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/mount.h>

#include "base/error.h"

/*
 * System calls and constants come from the kernel's header: that of the C library is younger in glibc, not there in
 * musl, and the two cannot be included together.
 */

/* A detached copy of the mount at dirfd/path ("" for dirfd itself), with all below when recursive. */
int mount_clone(int dirfd, const char *path, bool recursive);

/* Attaches the detached mount at the place that target_fd (O_PATH) names. */
int mount_attach(int mount_fd, int target_fd);

/* The same at `name` in a directory that nobody else can change. A link there is not followed. */
int mount_attach_at(int mount_fd, int dir_fd, const char *name);

/* mount_setattr(2) on the mount whose root is fd. propagation: MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0. */
int mount_set_attr(int fd, bool recursive, uint64_t set, uint64_t clear, unsigned long propagation);

/* Maps the owners of a detached mount through the user namespace (MOUNT_ATTR_IDMAP). */
int mount_set_idmap(int fd, bool recursive, int userns_fd);

/*
 * A new detached mount of a filesystem. data: "key=value" and "flag" entries, NULL-terminated or NULL.
 * The error carries the filesystem's own message where it gives one.
 */
int mount_new(const char *type, const char *source, const char *const *data, uint64_t attrs, struct error *err);

/*
 * The same step by step: a context (a descriptor), its options, the mount. value: NULL for a flag. What a file system
 * says of an option by a descriptor is its own: overlayfs takes directories so (Linux 6.13).
 */
int mount_context(const char *type, const char *source, struct error *err);
int mount_context_set(int fs, const char *key, const char *value, struct error *err);
int mount_context_set_fd(int fs, const char *key, int fd, struct error *err);
int mount_context_set_all(int fs, const char *const *data, struct error *err);
int mount_context_mount(int fs, uint64_t attrs, struct error *err);

/* Takes the mount at `path` and all below out of this namespace, now or when the last user is gone (umount2(2),
 * MNT_DETACH). */
int mount_detach(const char *path);
