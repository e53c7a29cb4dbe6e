/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's life: what the commands of holt-oci call.
 *
 * State lives in ROOT/ID/ (mode 0700):
 *   state.json     bundle, cgroups, what exec and the poststop hooks need ...; written once, before anything else is
 *                  made: half a file means that there is nothing else
 *   pid            "PID STARTTIME" of init, a file of its own: to replace one by rename makes ext4 write it out at
 *                  once, and with the mount option discard its removal then costs 2 ms
 *   seccomp.bpf    the compiled filter, for exec
 *   start          a Unix socket on which init waits until `start` connects; its existence and a listener
 *                  behind it mean "created"
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "container/cgroup.h"
#include "oci/runtime_spec.h"

enum container_status {
        CONTAINER_CREATING,
        CONTAINER_CREATED,
        CONTAINER_RUNNING,
        CONTAINER_PAUSED,
        CONTAINER_STOPPED,
};

const char *container_status_name(enum container_status s); /* "running" */

struct container {
        int dirfd;                                                  /* ROOT/ID */
        int rootfd;                                                 /* ROOT */
        char *id, *bundle, *rootfs, *created, *owner, *oci_version; /* created: RFC 3339 in UTC */
        pid_t pid;                                                  /* of init in our pid namespace; 0: never started */
        uint64_t start_time; /* field 22 of /proc/PID/stat: tells a recycled pid apart */
        int namespaces;      /* CLONE_NEW* that init has of its own or joined */
        struct cgroup cgroup;
        struct json_object *json; /* state.json as read */
        struct error warning;     /* code != 0: something to tell that stopped nothing (a poststop hook that failed) */
};

#define own_container __attribute__((cleanup(container_finish)))

/* Ids: [A-Za-z0-9_+.-]+, not starting with '.', at most 1024 bytes. */
int container_check_id(const char *id, struct error *err);

/* Opens ROOT/ID and reads its state. -ENOENT: "container "ID" does not exist". */
int container_load(const char *root, const char *id, struct container *ret, struct error *err);
void container_finish(struct container *c);

/* What it is doing now: looks at the process, the start socket and the freezer. */
int container_status(struct container *c, enum container_status *ret, struct error *err);

/* The runtime-spec's state object ("ociVersion", "id", "status", "pid", "bundle", "annotations"), and with `full`
 * runc's extras (rootfs, created, owner). */
int container_state(struct container *c, bool full, struct json_writer *w, struct error *err);

/* The state object as text, with the given status: for hooks. */
int container_describe(struct container *c, enum container_status status, struct buf *ret, struct error *err);

struct container_options {
        const char *root; /* --root */
        const char *id;
        const char *bundle; /* --bundle */
        const char *pid_file, *console_socket, *pidfd_socket;
        bool systemd_cgroup, no_pivot, no_new_keyring, detach, keep, no_subreaper;
        unsigned preserve_fds;
        bool debug;
        struct error *ret_warning; /* run: as container.warning */
};

/* `create`: leaves init waiting on the start socket. */
int container_create(const struct container_options *o, struct error *err);

/* `run`: create and start; unless o->detach it waits and *ret_exit is the exit status (128 + n for a signal), and the
 * container is deleted. */
int container_run(const struct container_options *o, int *ret_exit, struct error *err);

/* `start`: an error when it is not created; an exec failure of init is reported here. */
int container_start(struct container *c, struct error *err);

struct exec_options {
        const struct container_options *common; /* pid_file, console_socket, detach, preserve_fds */
        const char *process_path; /* --process FILE, or NULL: the container's process changed by the fields below */
        char **args;
        const char *cwd, *user;                                 /* "UID[:GID]" */
        const char **env, **caps, **additional_gids, **cgroups; /* NULL-terminated or NULL */
        bool tty, no_new_privs, ignore_paused;
        const char *apparmor, *process_label;
};

int container_exec(struct container *c, const struct exec_options *o, int *ret_exit, struct error *err);

/* Signals init, or everything in its cgroup with `all`. "container not running" when it is not. */
int container_kill(struct container *c, int signo, bool all, struct error *err);

/* Removes a stopped container; with `force` it is killed first, and half-made ones are cleaned up. Runs the poststop
 * hooks. */
int container_delete(struct container *c, bool force, struct error *err);

int container_pause(struct container *c, bool paused, struct error *err);
int container_update(struct container *c, const struct spec_resources *res, struct error *err);

/* Calls each for every container below root in the order of their names. One that vanishes meanwhile is left out. */
int container_each(const char *root, int (*each)(struct container *c, void *userdata), void *userdata,
                   struct error *err);
