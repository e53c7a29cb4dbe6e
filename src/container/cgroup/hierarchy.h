/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hierarchy's directory for the container: finding the right one, and reading and
 * writing its control files. A file is reached through the directory's descriptor when
 * that is open, else by its full path: most hierarchies are written once or never, and
 * a descriptor of the directory would cost two more system calls each. cgroup filesystems
 * hold no links, so a path leads nowhere else.
 */
#pragma once

#include <limits.h>

#include "container/cgroup.h"

enum { CGROUP_FILE_MAX = 64 }; /* the longest name of a control file, with its slash and NUL */

bool hierarchy_is_v2(const struct cgroup_hierarchy *h);

/* Whether the hierarchy holds that v1 controller; "cpu,cpuacct" holds two. */
bool hierarchy_has(const struct cgroup_hierarchy *h, const char *controller);

/* The v1 hierarchy of a controller, NULL when it is not mounted. */
struct cgroup_hierarchy *cgroup_v1(struct cgroup *cg, const char *controller);
/* The cgroup2 hierarchy (all of a unified host, or beside v1), NULL when it is not mounted. */
struct cgroup_hierarchy *cgroup_v2(struct cgroup *cg);

/* root + path + "/" + file (file may be NULL). -ENOENT while the path is not known, -ENAMETOOLONG. */
int hierarchy_path(const struct cgroup_hierarchy *h, const char *file, char ret[PATH_MAX]);

/* Opens a control file, or "." for the directory. A descriptor or -errno. */
int hierarchy_open_file(const struct cgroup_hierarchy *h, const char *file, int flags);
/* Opens h->fd unless it is. 0 or -errno. */
int hierarchy_open(struct cgroup_hierarchy *h);

/*
 * Makes a cgroup that all may look into, whatever the umask: a container's programs see their own, and so does who
 * mounts it from within a user namespace. 0 or -errno.
 */
int hierarchy_mkdir(int dirfd, const char *path);

int hierarchy_write(const struct cgroup_hierarchy *h, const char *file, const char *value);
/* At most size - 1 bytes and a NUL, without the last newline. Returns the length or -errno. */
ssize_t hierarchy_read(const struct cgroup_hierarchy *h, const char *file, char *data, size_t size);
/* The whole of a longer file. */
int hierarchy_read_all(const struct cgroup_hierarchy *h, const char *file, struct buf *ret);
/* One number; "max" and v1's -1 are UINT64_MAX. */
int hierarchy_read_u64(const struct cgroup_hierarchy *h, const char *file, uint64_t *ret);

/*
 * The value of `key` in a file of "key value" lines (cgroup.events, memory.oom_control).
 * -ENODATA when it has no such line.
 */
int hierarchy_read_key(const struct cgroup_hierarchy *h, const char *file, const char *key, uint64_t *ret);

/* EPERM, EACCES and EROFS: what a process without the right to make cgroups gets. */
bool is_permission_error(int r);
