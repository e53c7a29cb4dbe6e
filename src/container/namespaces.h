/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which namespaces a container gets, and the way into them.
 *
 * Most are made by the clone3() that makes init. Four have an order of their own:
 *   user    owns the others, so one that is joined has to be entered before they are made
 *   pid     one that is joined only counts for children
 *   time    takes its offsets between unshare() and the first child
 *   cgroup  its root is the cgroup of whoever makes it: after init joined its cgroups
 * The first three need a `stage`, a process between the runtime and init, when the runtime
 * itself may not do them: when a user namespace is joined, or when it is not root.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/runtime_spec.h"

enum { NAMESPACES_MAX = 8 };

struct namespaces {
        int create; /* CLONE_NEW* to make */
        int joined; /* CLONE_NEW* to enter */
        struct {
                int type, fd;
        } join[NAMESPACES_MAX];
        size_t n_join;
};

/* Reads linux.namespaces and opens the paths, each checked to be of its type (ioctl_ns(2)). content: has
 * descriptors that take the place of paths; NULL. */
struct container_bundle;
int namespaces_plan(const struct spec *spec, const struct container_bundle *content, struct namespaces *ret,
                    struct error *err);
void namespaces_finish(struct namespaces *ns);

/* Whether the mappings of a new user namespace have to be written by the runtime. */
bool namespaces_has_new_user(const struct namespaces *ns);
bool namespaces_needs_stage(const struct namespaces *ns);

/* The descriptor of the joined namespace of this type, or -1. */
int namespaces_joined_fd(const struct namespaces *ns, int type);

/* Enters the joined namespaces among `types`. Call user first where it is among them. */
int namespaces_join(const struct namespaces *ns, int types, struct error *err);

/*
 * Prepares the caller so that its children land right: enters a joined pid namespace for them and
 * makes a time namespace with the spec's offsets.
 */
int namespaces_prepare_children(const struct namespaces *ns, const struct spec *spec, struct error *err);

/* The flags that are left for the clone3() that makes init. */
uint64_t namespaces_clone_flags(const struct namespaces *ns, bool user_done);

/* Writes uid_map, gid_map (and setgroups) of the process; through newuidmap(1) and newgidmap(1) where the caller may
 * not. */
int namespaces_map_users(pid_t pid, const struct spec_linux *l, struct error *err);

/*
 * In a joined user namespace: whether its mappings are those that the configuration repeats (none given: nothing to
 * compare).
 */
int namespaces_check_mappings(const struct spec_linux *l, struct error *err);

/* A user namespace with these mappings, for an idmapped mount (mount_setattr(2)): a descriptor or -errno. */
int namespaces_new_userns(const struct id_mappings *uids, const struct id_mappings *gids, struct error *err);
