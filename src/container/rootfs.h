/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's view of the filesystem.
 *
 * Theory of operation. Init stands in its new mount namespace, a copy of the host's. The
 * root filesystem is cloned as a detached tree and attached over "/": whoever holds the old
 * root still sees the host's paths, and no directory of the host has to be a mount point.
 * From there every place inside is found by openat2(RESOLVE_IN_ROOT) from the tree's
 * descriptor and every mount is made detached, given its flags, and moved from descriptor
 * to descriptor, so no path that the container or its image controls is ever walked as a
 * string, and nothing is visible before its flags hold. pivot_root(".", ".") and a
 * lazy unmount of the old root end it.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "oci/runtime_spec.h"

struct launch;

struct rootfs {
        struct launch *l;
        int fd;         /* root of the attached tree */
        int dev_null;   /* the host's /dev/null, checked; -1 until needed */
        int empty_dir;  /* a detached, empty, read-only tmpfs to mask directories with; -1 until needed */
        bool in_userns; /* not the first: mknod is refused, devices are bound from the host */
        bool dev_done;  /* /dev was filled before it was attached */
};

/* Runtime side, before the clone: opens the sources that init may not reach. */
int rootfs_prepare(struct launch *l, struct error *err);

/* Init side: up to the point where the hooks of the mounted container run. */
int rootfs_mount(struct rootfs *r, struct launch *l, struct error *err);

/* The terminal's slave over /dev/console. */
int rootfs_mount_console(struct rootfs *r, int slave, struct error *err);

/* Masked and read-only paths, read-only tmpfs, a read-only root. */
int rootfs_restrict(struct rootfs *r, struct error *err);

/* Makes it the root of this process and lets go of the host's. */
int rootfs_enter(struct rootfs *r, struct error *err);

/*
 * mounts.c: one entry of mounts[]. *tree: a detached copy of a bind mount's source that was prepared, or -1; then the
 * mount itself if it is a tmpfs that rootfs_restrict() makes read-only, or -1.
 */
int rootfs_mount_one(struct rootfs *r, const struct spec_mount *m, int *tree, struct error *err);
/* The detached copy of a bind mount's source (a descriptor or -errno). */
int rootfs_open_source(const struct launch *l, const struct spec_mount *m, struct error *err);
/* Runtime side: maps the owners of that copy as the entry says. */
int rootfs_idmap(const struct launch *l, const struct spec_mount *m, int tree, struct error *err);

/* cgroup_mount.c: a mount of type "cgroup" (or "cgroup2"). */
int rootfs_mount_cgroups(struct rootfs *r, const struct spec_mount *m, struct error *err);

/* old_root.c: takes every procfs and sysfs that is not the container's out of its mount namespace, for --no-pivot. */
int rootfs_hide_old_kernel_mounts(const struct launch *l, struct error *err);

/* devices.c: fills the directory that is or will be /dev with the default nodes, links and the listed devices below it.
 */
int rootfs_fill_dev(struct rootfs *r, int dev, struct error *err);
/* Devices outside /dev, and all of them where they have to be bound. */
int rootfs_add_devices(struct rootfs *r, struct error *err);

/* A descriptor of the host's /dev/null that is the null device (CVE-2025-31133); owned by r. */
int rootfs_dev_null(struct rootfs *r, struct error *err);
