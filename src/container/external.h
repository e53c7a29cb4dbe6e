/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses and does not contain: criu puts only a name for it into the images, and finds at the restore
 * what the name stands for then. The names are runc's, so that one can restore what the other has saved.
 */
#pragma once

#include <limits.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "container/container.h"

/* The name for a namespace that is joined; NULL for one that criu joins in another way. */
const char *external_namespace(int type);

/* The default devices, which are binds of the host's in a user namespace. Ends with NULL. */
extern const char *const external_devices[];

/* The path of what the descriptor is open on. 0 or -errno. */
int external_path(int fd, char ret[PATH_MAX]);

/*
 * Where `destination` is in the root filesystem `root` when links are followed. Its status goes to *ret_st.
 * 0 or -errno.
 */
int external_resolve(int root, const char *destination, char ret[PATH_MAX], struct stat *ret_st);

/* Mounts of cgroups when they do not begin at the root of a cgroup namespace: binds of the host's. */
void external_add_cgroups(const struct container *c, const struct spec *s, bool restoring, struct buf *opts);

/*
 * Standard input, output and error, when they lead out. Saving writes descriptors.json into the directory `images` and
 * appends criu's options. Restoring connects them with what ours are then.
 */
int external_save_stdio(struct container *c, int images, struct buf *opts, struct error *err);
int external_restore_stdio(int images, struct buf *opts, struct error *err);
