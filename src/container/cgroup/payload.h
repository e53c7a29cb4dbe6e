/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container that may write its cgroup could lift the limits that stand there, were it not for cgroup2's mount option
 * `nsdelegate`, which not every host has. So on cgroup v2 the limits of one that asks for it by an annotation (SPEC_CGROUP_PAYLOAD) stand
 * on a cgroup that it never sees, and its own is the only one below that: systemd-nspawn has a payload, too.
 */
#pragma once

#include "container/cgroup.h"

#define PAYLOAD_NAME "payload"

/* Decides whether the limits stand above. */
void payload_plan(struct cgroup *cg, const struct spec *spec);

/* Makes the cgroup below h, which is opened, and opens it; hands all controllers down to it. pid: who is put there; 0. */
int payload_make(struct cgroup *cg, struct cgroup_hierarchy *h, pid_t pid, struct error *err);

/* Removes it if it is empty. */
void payload_remove(const struct cgroup *cg, const struct cgroup_hierarchy *h);

/* What processes are to be put into: the payload's directory where there is one, else h->fd. */
int payload_fd(const struct cgroup_hierarchy *h);
