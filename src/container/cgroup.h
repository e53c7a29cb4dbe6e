/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of one container, on all three layouts:
 *
 *   unified  cgroup2 at /sys/fs/cgroup
 *   legacy   v1 hierarchies at /sys/fs/cgroup/NAME
 *   hybrid   legacy, and cgroup2 at /sys/fs/cgroup/unified (with few or no controllers):
 *            limits by v1; grouping, kill and freeze by cgroup2, which does them atomically
 *
 * and by two managers: cgroupfs (we make the directories) and systemd (a transient
 * scope that systemd makes for us; asked over D-Bus).
 *
 * Order of calls for a new container:
 *   cgroup_plan    resolves names, touches nothing; the caller records the plan (cgroup_save)
 *   cgroup_create_target  cgroupfs: makes the cgroup2 directory, where there is one
 *   clone3 with cgroup_clone_fd() when that is >= 0; the child builds its root meanwhile
 *   cgroup_adopt   systemd: has the unit made around the child
 *   cgroup_create  cgroupfs: makes the other directories
 *   cgroup_tickets the runtime sends the child what it needs to join the rest
 *   cgroup_join    the child, while it has one thread, joins them
 *   cgroup_apply   meanwhile: writes the limits (before the tickets, where a v1 cpuset is asked for)
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "oci/runtime_spec.h"

enum { CGROUP_MAX_HIERARCHIES = 20 };

struct cgroup_hierarchy {
        const char *name; /* "memory", "cpu,cpuacct", "name=systemd"; "" for cgroup2 */
        const char *root; /* where it is mounted: "/sys/fs/cgroup/memory" */
        const char *path; /* the container's cgroup relative to the root: "/user.slice/web" */
        int fd;           /* the container's directory (O_PATH), -1 while unknown */
        int tasks_fd;     /* v1: its `tasks` file open for writing by cgroup_create(), else -1 */
        int payload_fd;   /* v2: where the processes begin, if that is below the limits (cgroup/payload.h), else -1 */
        bool fresh;       /* cgroup_create() made it: its limits are at their defaults */
};

struct cgroup {
        bool unified;  /* cgroup2 is the only hierarchy */
        bool systemd;  /* manager */
        bool split;    /* unified: the limits stand one cgroup above what the container has (cgroup/payload.h) */
        bool rootless; /* missing permission to make or join one is no error, limits that were asked for are */
        const char *slice, *scope; /* systemd: "machine.slice", "runc-web.scope" */
        uint64_t oom_kills;        /* the counter of memory.events when cgroup_oom_seen() last looked */
        size_t n;
        struct cgroup_hierarchy h[CGROUP_MAX_HIERARCHIES];
        struct arena arena; /* owns the strings */
};

/*
 * Finds the host's layout and the paths for container `id` from linux.cgroupsPath, with runc's meaning:
 * cgroupfs: absolute: below the hierarchy's root; relative or absent ("/<id>" of it): below our own cgroup (v1)
 * or beside it (v2). systemd: "slice:prefix:name"; absent: "system.slice:runc:<id>" ("user.slice" rootless).
 * A path with ".." components is refused.
 */
int cgroup_plan(struct cgroup *ret, const struct spec *spec, const char *id, bool systemd, struct error *err);
void cgroup_finish(struct cgroup *cg); /* closes and frees; the cgroups stay. Zeroed: nothing to do */

/* The plan as one JSON object member `key`, and back. */
void cgroup_save(const struct cgroup *cg, struct json_writer *w, const char *key);
int cgroup_load(struct cgroup *ret, struct json_object *obj, struct error *err);

/*
 * cgroupfs: makes the directories (and missing parents; on v2 enables the controllers that the resources need in
 * subtree_control on the way down), opens fd and tasks_fd. Existing directories are used as they are, except that a
 * frozen one and one with processes are refused. Nothing to do for systemd.
 */
int cgroup_create(struct cgroup *cg, const struct spec *spec, struct error *err);

/* The part of it that has to be there before the clone: the cgroup2 directory. cgroup_create() then does the rest. */
int cgroup_create_target(struct cgroup *cg, const struct spec *spec, struct error *err);

/*
 * The v1 `tasks` descriptors as a message: fds (room for CGROUP_MAX_HIERARCHIES) and a mask whose bit i is hierarchy i.
 * The other side's plan takes them over with cgroup_take_tickets().
 */
size_t cgroup_tickets(const struct cgroup *cg, int *fds, int32_t *ret_mask);
void cgroup_take_tickets(struct cgroup *cg, const int *fds, size_t n, int32_t mask);

/* Descriptor for CLONE_INTO_CGROUP: the cgroup2 directory; -1: the child must join by itself. */
int cgroup_clone_fd(const struct cgroup *cg);

/* What is to be seen of the hierarchy in the container, relative to its root; NULL while it is not known. */
const char *cgroup_visible_path(const struct cgroup *cg, const struct cgroup_hierarchy *h, char ret[PATH_MAX]);

/* In the child, single-threaded: joins every v1 hierarchy through tasks_fd. cheap: "0" into `tasks`. */
int cgroup_join(const struct cgroup *cg, bool cloned_into, struct error *err);

/* systemd: StartTransientUnit with `pid` in it, waits for the job, then fills paths and fds. */
int cgroup_adopt(struct cgroup *cg, const struct spec *spec, pid_t pid, struct error *err);

/*
 * Writes the limits. `update` is true for a running container (memory and swap have to be raised in the right order;
 * device rules are only written when given). A limit whose controller the host does not have is an error that
 * names the limit; devices are allowed to be absent for rootless.
 * res may be NULL: then a new container gets the default device rules and no limits. With systemd an update sets the
 * unit's properties as well (so that a daemon-reload keeps them); a new unit has them from cgroup_adopt().
 */
int cgroup_apply(struct cgroup *cg, const struct spec_resources *res, bool update, struct error *err);

/* Opens `fd`s of an existing (loaded) cgroup; hierarchies that are gone keep -1. -ENOENT when all are. */
int cgroup_open(struct cgroup *cg, struct error *err);

/*
 * A second process for exec: like cgroup_create()+join for an existing cgroup: opens tasks_fd and fd.
 * `sub` names a cgroup below the container's, per `--cgroup [CONTROLLERS:]PATH` of runc exec; NULL for itself.
 */
int cgroup_open_for_exec(struct cgroup *cg, const char *const *sub, size_t n_sub, struct error *err);

/*
 * v2: turns to the cgroup in which process `pid` is now, the container's or one below, and opens it. 1, and 0 if it is
 * that already. For exec: where a process has handed controllers down (systemd in the container does) no process may
 * be (clone3 fails with EBUSY), and where one is, no controllers can be handed down.
 */
int cgroup_follow(struct cgroup *cg, pid_t pid, struct error *err);

/* Puts a process, which the caller has not waited for, into the cgroup2 directory. 0 or -errno. */
int cgroup_put(const struct cgroup *cg, pid_t pid);

/*
 * The same for a process that stands where we may not take it away: the systemd that made the cgroup moves it. For
 * exec, when clone3 into it fails with EACCES; an ordinary user's command is in a cgroup of root's.
 */
int cgroup_attach(const struct cgroup *cg, pid_t pid, struct error *err);

/* Freezes or thaws all processes; waits until it is done (at most 10 s). Frozen parents are not waited for. */
int cgroup_freeze(struct cgroup *cg, bool frozen, struct error *err);
/* 1 frozen, 0 not (or freezing), -errno. */
int cgroup_is_frozen(struct cgroup *cg);

/* Sends `signo` to every process in it and below; SIGKILL by cgroup.kill where there is one. v1
 * cgroups are thawed down to the last that the container made: a frozen process would not die. */
int cgroup_kill(struct cgroup *cg, int signo, struct error *err);

/* All process ids in it and below, in our pid namespace. *ret is malloc'ed. */
int cgroup_pids(struct cgroup *cg, pid_t **ret, size_t *ret_n, struct error *err);

/* The usual end: the container's processes are gone, and it made no cgroups. True when the directories could be removed
 * at once; otherwise cgroup_kill() and cgroup_destroy() are what it takes. */
bool cgroup_remove_empty(struct cgroup *cg);

/* Removes the directories, those below first; retries while the kernel is still emptying them (at most 5 s); stops the
 * systemd unit. */
int cgroup_destroy(struct cgroup *cg, struct error *err);

/*
 * After a cgroup_create() that failed or was never reached: removes the directories that it made. The names may be
 * those of somebody else's cgroups, with his processes: they are not touched.
 */
void cgroup_give_back(struct cgroup *cg);

/* Appends the "data" object of runc's `events --stats` as member `key`. */
int cgroup_stats(struct cgroup *cg, struct json_writer *w, const char *key, struct error *err);

/* Counters since the cgroup was made. What the host does not count, and no limit, is UINT64_MAX. */
struct cgroup_counters {
        uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, throttled_ns;
        uint64_t memory, memory_limit; /* bytes; memory without the file cache that can be given up at once */
        uint64_t pids, pids_limit;
        uint64_t block_read, block_write;              /* bytes */
        uint64_t psi_cpu_us, psi_memory_us, psi_io_us; /* how long some of its processes waited */
};

/* Of a cgroup that is opened; one that is gone meanwhile has no counters. */
void cgroup_count(struct cgroup *cg, struct cgroup_counters *ret);

/*
 * A descriptor that becomes readable (POLLIN, or POLLPRI where *ret_pri) when an out-of-memory kill happened; after it
 * did, call cgroup_oom_seen() to consume it: 1 when there was a new kill, 0 when not.
 */
int cgroup_oom_watch(struct cgroup *cg, int *ret_fd, bool *ret_pri, struct error *err);
int cgroup_oom_seen(struct cgroup *cg, int fd);

/* How often one of its processes was killed for want of memory, of a cgroup that is opened; 0 where nobody counts. */
uint64_t cgroup_oom_kills(struct cgroup *cg);

/* Where an ordinary user may make cgroups that limit something. */
enum cgroup_of_user {
        CGROUP_OF_USER_NONE,
        CGROUP_OF_USER_BESIDE,  /* beside his own, which was delegated to him */
        CGROUP_OF_USER_SYSTEMD, /* his systemd makes them (cgroup_plan() with systemd) */
};
enum cgroup_of_user cgroup_of_user(void);
