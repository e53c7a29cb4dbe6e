/* SPDX-License-Identifier: Apache-2.0 */
/* Private to container/cgroup: all the cgroups below one. */
#pragma once

/*
 * Calls visit() with the directory and with each below it, from above to below, until it returns non-zero; returns
 * that. However deep they are nested it needs two descriptors. -ENOMEM, -errno.
 */
int cgroup_tree_visit(int dirfd, int (*visit)(int dirfd, void *userdata), void *userdata);
