/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's life: what the commands of holt-oci call.
 *
 * State lives in files of ROOT (mode 0600):
 *   ID:state    one line of JSON: bundle, cgroups, what exec and the poststop hooks need ...; taken first and written
 *               before anything else is made: half a line means that there is nothing else. Behind it, as soon as
 *               there is an init, its line "PID STARTTIME".
 *   ID:seccomp  the compiled filter, for exec
 *   ID:start    a Unix socket on which init waits until `start` connects; its existence and a listener behind it mean
 *               "created"
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

/* In ROOT: compiled seccomp filters (seccomp.h). No id can have this name. */
#define CONTAINER_FILTERS ".cache"

struct container {
        int rootfd;                                         /* ROOT */
        int statefd;                                        /* ID:state while it is being made, else -1 */
        char *id, *bundle, *rootfs, *created, *oci_version; /* created: RFC 3339 in UTC */
        uid_t owner;                                        /* who made it */
        pid_t pid;                                          /* of init in our pid namespace; 0: never started */
        uint64_t start_time;                                /* field 22 of /proc/PID/stat: tells a recycled pid apart */
        int namespaces;                                     /* CLONE_NEW* that init has of its own or joined */
        struct cgroup cgroup;
        struct json_object *json; /* the line of ID:state, as read */
        struct error warning;     /* code != 0: something to tell that stopped nothing (a poststop hook that failed) */
};

#define own_container __attribute__((cleanup(container_finish)))

/* Ids: [A-Za-z0-9_+.-]+, not starting with '.', at most 240 bytes. */
int container_check_id(const char *id, struct error *err);

/* Reads the container's state from ROOT. -ENOENT: "container "ID" does not exist". */
int container_load(const char *root, const char *id, struct container *ret, struct error *err);
void container_finish(struct container *c);

/* What it is doing now: looks at the process, the start socket and the freezer. */
int container_status(struct container *c, enum container_status *ret, struct error *err);

/* The runtime-spec's state object ("ociVersion", "id", "status", "pid", "bundle", "annotations") with runc's extras
 * (rootfs, created, owner: the name of the one who made it). */
int container_state(struct container *c, const char *owner, struct json_writer *w, struct error *err);

/* The state object as text, with the given status: for hooks. */
int container_describe(struct container *c, enum container_status status, struct buf *ret, struct error *err);

/* A bundle that is in no directory. */
struct container_bundle {
        const char *config; /* the text of config.json; its root.path is not looked at */
        size_t len;
        int root; /* the root filesystem: a detached mount, which stays the caller's */
        bool has_netns;
        int netns; /* the network namespace to join, instead of what config says of it */
        /* What config names CONTAINER_GIVEN and a number: detached mounts, which a start uses up, and namespaces. */
        const int *given;
        size_t n_given;
};

#define CONTAINER_GIVEN "/given/"

/* The descriptor that `path` names so; -1: it is a path, or b is NULL. -EINVAL: there is none of that number. */
int container_given(const struct container_bundle *b, const char *path);

struct container_options {
        const char *root; /* --root */
        const char *id;
        const char *bundle;                     /* --bundle */
        const struct container_bundle *content; /* create, run: instead of what is in that directory; NULL */
        const char *pid_file, *console_socket, *pidfd_socket;
        bool systemd_cgroup, no_pivot, no_new_keyring, detach, keep, no_subreaper;
        unsigned preserve_fds;
        const int *stdio; /* the program's stdin, stdout, stderr: pipes, or files that stay their owner's; NULL: ours */
        bool plain_terminal; /* it ends lines as terminals do: who relays it has his own not do it again */
        bool debug;
        struct error *ret_warning; /* run: as container.warning */
};

/* `create`: leaves init waiting on the start socket. */
int container_create(const struct container_options *o, struct error *err);

/* `run`: create and start; unless o->detach it waits and *ret_exit is the exit status (128 + n for a signal), and the
 * container is deleted. */
int container_run(const struct container_options *o, int *ret_exit, struct error *err);

/* A process of a container, child of the one who made it; the descriptors are his. */
struct container_process {
        pid_t pid;
        int pidfd;
        int master; /* of its terminal; -1 */
};

/* As container_run() up to the program's start: the caller waits for its end, and then deletes the container. */
int container_spawn(const struct container_options *o, struct container_process *ret, struct error *err);

/* `start`: an error when it is not created; an exec failure of init is reported here. */
int container_start(struct container *c, struct error *err);

struct exec_options {
        const struct container_options *common; /* pid_file, console_socket, detach, preserve_fds */
        const char *process_path; /* --process FILE, or NULL: the container's process changed by the fields below */
        char **args;
        const char *cwd, *user;                                 /* "UID[:GID]" */
        const char **env, **caps, **additional_gids, **cgroups; /* NULL-terminated or NULL */
        bool own_gids;                /* additional_gids in the place of the container's, not beside them */
        unsigned short rows, columns; /* of the terminal; 0: unknown */
        bool tty, no_new_privs, ignore_paused;
        const char *apparmor, *process_label;
};

int container_exec(struct container *c, const struct exec_options *o, int *ret_exit, struct error *err);

/* The same up to the program's start. It is a child of the caller, who has entered namespaces of the container for his
 * children by that: the process should have nothing else to do. */
int container_exec_spawn(struct container *c, const struct exec_options *o, struct container_process *ret,
                         struct error *err);

/* Signals init, or everything in its cgroup with `all`. "container not running" when it is not. */
int container_kill(struct container *c, int signo, bool all, struct error *err);

/* Removes a stopped container; with `force` it is killed first, and half-made ones are cleaned up. Runs the poststop
 * hooks. */
int container_delete(struct container *c, bool force, struct error *err);

int container_pause(struct container *c, bool paused, struct error *err);
int container_update(struct container *c, const struct spec_resources *res, struct error *err);

enum checkpoint_cgroups {
        CHECKPOINT_CGROUPS_SOFT, /* cgroups that exist keep their values, others get those of the image */
        CHECKPOINT_CGROUPS_FULL,
        CHECKPOINT_CGROUPS_STRICT,
        CHECKPOINT_CGROUPS_IGNORE,
};

/* For checkpoint and restore; what only one of them knows says so. */
struct checkpoint_options {
        const char *image_path; /* directory of the images; checkpoint makes it */
        const char *work_path;  /* directory of the log; NULL: that of the images */
        bool tcp_established, ext_unix_sk, shell_job, file_locks, auto_dedup, lazy_pages;
        enum checkpoint_cgroups cgroups;
        /* checkpoint */
        const char *parent_path; /* of an earlier pre-dump, relative to image_path; NULL */
        bool leave_running, pre_dump, tcp_skip_in_flight, link_remap;
        const char *page_server; /* address, NULL: none */
        uint16_t page_server_port;
        int status_fd; /* gets a zero byte when lazy pages are served; -1 */
        /* restore */
        const char *lsm_profile, *lsm_mount_context;
};

/*
 * `checkpoint`: saves it by criu. Unless told otherwise it is gone afterwards; what of it could not be deleted becomes
 * c->warning.
 */
int container_checkpoint(struct container *c, const struct checkpoint_options *o, struct error *err);

/* `restore`: makes a container of o->bundle whose processes come from the images; else like container_run(). */
int container_restore(const struct container_options *o, const struct checkpoint_options *co, int *ret_exit,
                      struct error *err);

/*
 * Calls each for every container below root in the order of their names. One that vanishes meanwhile is left out; so is
 * one that cannot be read, but then, or when each failed, that is the result in the end.
 */
int container_each(const char *root, int (*each)(struct container *c, void *userdata), void *userdata,
                   struct error *err);
