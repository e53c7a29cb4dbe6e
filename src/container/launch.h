/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is known while a container is made. The runtime fills it, clones, and the
 * child reads its own copy: no wire format between the two (runc CVE-2021-43784).
 */
#pragma once

#include <stdbool.h>

#include "container/activation.h"
#include "container/container.h"
#include "container/namespaces.h"
#include "container/seccomp.h"
#include "oci/runtime_spec.h"

struct launch {
        const struct container_options *options;
        struct spec spec;
        struct container container;
        struct namespaces ns;
        struct seccomp_program seccomp;
        struct activation activation;
        bool has_seccomp;
        bool starts_now;          /* run: no waiting for `start` */
        bool has_hooks_at_mounts; /* prestart or createRuntime hooks: init waits for them */
        bool waits_to_begin;      /* init waits for the runtime before it does anything: for its user mappings */
        bool has_cgroups;         /* its cgroups are its own: they were empty, or made for it */
        bool in_cgroups;          /* init: it joined them */
        bool limited;             /* init: their limits are set */
        mode_t umask;             /* init: the runtime's, for hooks; its own is 0 while it builds the root */

        int sync_runtime, sync_init; /* the two ends of their SOCK_SEQPACKET pair */
        int start_socket;            /* create: listening */
        int console_socket;          /* connected, -1: none */

        /*
         * Detached copies of what will be mounted, made by the runtime when init will not be allowed to look (its user
         * namespace has no right on the way there): rootfs_tree and one a mount; -1 otherwise.
         */
        int rootfs_tree;
        int *mount_trees;

        pid_t init_pid;
        int init_pidfd;
};

void launch_init(struct launch *l, const struct container_options *o, bool starts_now);
void launch_finish(struct launch *l);

/* bundle/config.json. */
int launch_read_config(const char *bundle, struct spec *ret, struct error *err);
/* All of it that can be refused without having made anything. */
int launch_read(struct launch *l, struct error *err);
/* The compiled filter, for init and in the state directory for exec. */
int launch_prepare_seccomp(struct launch *l, struct error *err);
/* Plans the cgroups and writes the state. */
int launch_record(struct launch *l, struct error *err);
/* The pair between us and init, the console socket, the start socket. */
int launch_make_sockets(struct launch *l, struct error *err);
/* While init builds its root: its cgroups, and what it needs to join them. */
int launch_make_cgroups(struct launch *l, struct error *err);
/* Their limits, without which init does nothing that costs much or is not ours. */
int launch_limit(struct launch *l, struct error *err);
/* Writes down which process init is. */
int launch_record_init(struct launch *l, struct error *err);
/* cwd: as for hook_run(). */
int launch_run_hooks(struct launch *l, const struct spec_hook_list *hooks, const char *kind,
                     enum container_status status, const char *cwd, struct error *err);
/* Takes back what was made, as far as nobody has deleted it meanwhile. */
void launch_undo(struct launch *l);
/* After its end, in the foreground: what delete does. */
int launch_end(struct launch *l, struct error *err);

/* A private procfs of the current pid namespace, attached nowhere: for writes that a container must not redirect. */
int private_proc_open(struct error *err);
/* Writes text to `path` of it, refusing links and mounts on the way (CVE-2019-16884, CVE-2025-52881). */
int private_proc_write(int proc, const char *path, const char *text, struct error *err);

/*
 * init.c: waits until the runtime has made the cgroups, joins them, and makes the cgroup namespace, whose root they
 * become. Called as late as can be: by the first mount that shows cgroups, or when the root stands.
 */
int init_join_cgroups(struct launch *l, struct error *err);

/* init.c: the same, and waits for their limits: before what may cost much or is not ours. By then it is
 * written down who init is. */
int init_join_limited(struct launch *l, struct error *err);

/* init.c: has the runtime map the owners of a detached copy, for the mount of this number. Only the runtime may make
 * a user namespace for it, or write its mappings. */
int init_ask_idmap(struct launch *l, size_t mount, int tree, struct error *err);

/* init.c: brings up the loopback interface of the network namespace that the caller is in. */
int init_raise_loopback(struct error *err);

/* init.c: the first process of the container; reports to sync_init and never returns. */
void init_main(struct launch *l) __attribute__((noreturn));
