/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest that an agent makes out of its machine: the steps of CONFIGURE, one file each, and what runs in it.
 *
 *   /run/holt/layers/N   the image's layers, 1 the lowest
 *   /run/holt/upper      what is written: the second disk, or memory; upper and work in it
 *   /run/holt/root       both of them together
 *   /run/holt/shares     what the host shows of its own (share/share.h): 0, 1, ...
 *   /run/holt/modules    /lib/modules; empty, unless the host gave some
 *   /run/holt/files      what the host wants mounted into the container
 *   /run/holt/agent      the agent's own file
 *   /run/holt/init       that of holt-init
 *   /run/holt/containers state of src/container
 */
#pragma once

#include <stdbool.h>

#include "agent/guest_config.h"
#include "agent/workload.h"

#define GUEST_RUN "/run/holt"
#define GUEST_PROGRAM GUEST_RUN "/agent"
#define GUEST_INIT GUEST_RUN "/init"
#define GUEST_ROOT GUEST_RUN "/root"
#define GUEST_UPPER GUEST_RUN "/upper"
#define GUEST_FILES GUEST_RUN "/files"
#define GUEST_SHARES GUEST_RUN "/shares"
#define GUEST_MODULES GUEST_RUN "/modules"

/* There is one container in a guest. */
#define GUEST_CONTAINER "instance"
/* Beside its cgroup (where that is without --cgroup-parent, instance/image_spec.c says), never in its place. */
#define GUEST_FIRST_CGROUP "/holt/first"

struct guest {
        int modules;         /* the directory of those that can be loaded later; -1 */
        int root;            /* the mount at /run/holt/root; -1 */
        int pid_ns, time_ns; /* our own */
        unsigned n_freezing; /* errands for which the container stands still */
};

/* The table for agent_serve(); its userdata is a struct guest. */
extern const struct workload guest_workload;

/* modules: taken over. */
int guest_open(struct guest *ret, int modules, struct error *err);

/* Nothing runs any more, and what was written is on the disk. */
void guest_close(struct guest *g);

/* --- guest_identity.c: what clones of one guest must not share. --- */
int guest_add_entropy(const struct guest_config *c, struct error *err);
int guest_set_time(const struct guest_config *c, struct error *err);
int guest_set_hostname(const struct guest_config *c, struct error *err);
/* In the root, which is mounted. */
int guest_set_machine_id(const struct guest_config *c, struct error *err);
/* The same, where there is one already. */
int guest_change_machine_id(const struct guest_config *c, struct error *err);
/* Also of the container, which has its own. */
int guest_change_hostname(const struct guest_config *c, struct error *err);

/* --- guest_network.c --- */
/* What is the same for every guest, at its boot: a clone need not do it again. */
int guest_open_network(struct error *err);
int guest_set_network(const struct guest_config *c, struct error *err);
/* Those of the network want its interfaces. */
int guest_set_sysctls(const struct guest_config *c, struct error *err);
/* Takes all others down, and their addresses away. */
int guest_clear_network(struct error *err);

/* --- guest_layers.c --- */
/* Makes a partition of the first disk for each layer, mounts them, and all of it at /run/holt/root; behind them there may
 * be the kernel's modules. */
int guest_mount_root(const struct guest_config *c, struct error *err);
/* The layers alone; for a process that has nothing else to do, and is in a mount namespace of its own from then on. */
int guest_open_image(struct error *err);

/* --- guest_shares.c --- */
int guest_mount_shares(const struct guest *g, const struct guest_config *c, struct error *err);

/* --- guest_shares_quiet.c --- */
/* Nothing is asked of the host any more by a container that stands still, and its copy will find what it has. */
int guest_quiet_shares(struct error *err);

/* --- guest_reset.c --- */
/* Nothing of the configuration is left, and there can be another. */
int guest_reset(struct guest *g, struct error *err);

/* --- guest_cgroup.c --- */
/*
 * Makes the cgroup above the container's, and enables all controllers in it. For the first that has them the kernel patches its own
 * code in many places, for each of which all processors wait: no clone of a guest that has done it does.
 */
void guest_prepare_cgroups(void);

/* --- guest_files.c --- */
int guest_write_files(const struct guest_config *c, struct error *err);

/* --- guest_copy.c: the copy of a guest whose program runs. --- */
int guest_suspend(void *guest, struct error *err);
int guest_resume(void *guest, const char *json, size_t len, struct error *err);

/* --- guest_connections.c --- */
/* Breaks all TCP connections of all processes, which stand still, but those within the guest: who has one reads
 * ECONNRESET. */
int guest_break_connections(struct error *err);
