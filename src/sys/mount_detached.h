/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of mounts that are attached nowhere, which kernels before 6.15 do not make. */
#pragma once

/*
 * A detached copy of `part`, a file or directory in the detached mount `tree` or that itself, with all that is mounted
 * below. place: a directory that is there. Before 6.15 the tree is attached there for a moment, in a mount namespace
 * that nobody else sees; what the descriptor `tree` is afterwards is another copy of it, to which `part` does not
 * belong. This process stays where it is: namespace, root and working directory. A descriptor, or a negative errno.
 */
int mount_clone_detached(int tree, int part, const char *place);

/* As it is done before 6.15. */
int mount_clone_by_attaching(int tree, int part, const char *place);
