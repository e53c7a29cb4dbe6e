/* SPDX-License-Identifier: Apache-2.0 */
/* The host's cgroup layout: which hierarchies there are, where, and our own place in each. */
#pragma once

#include "container/cgroup.h"

/*
 * Fills unified, n and the names and roots of the hierarchies that are mounted below /sys/fs/cgroup.
 * h[i].path becomes the calling process's own cgroup as seen through that mount, for the planner to replace.
 */
int layout_find(struct cgroup *cg, struct error *err);

/*
 * The same from the text of a /proc/PID/cgroup (which is cut to pieces) and another directory than /sys/fs/cgroup.
 * mounted(path, v2): 1 when a cgroup filesystem of that version is mounted at the path, 0 when none is, -errno.
 */
int layout_parse(struct cgroup *cg, char *text, const char *base, int (*mounted)(const char *path, bool v2),
                 struct error *err);

/*
 * A path of /proc/PID/cgroup as the mount at `root` shows it: in a container without a cgroup namespace the mount
 * shows a subtree, while the path counts from the top. Points into `path`, or to "/".
 */
const char *layout_visible_path(const char *root, const char *path);
