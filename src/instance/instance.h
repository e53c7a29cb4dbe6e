/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: named workloads, kept until they are removed.
 *
 *   ROOT/instances/ID/config    JSON: name, image, what was asked for; complete when it has its name
 *   ROOT/instances/ID/upper     what it has written, with work/ of its overlay; after the restoring of a snapshot
 *                               upper.N: `config` says which; of a machine, its disk in there
 *   ROOT/instances/ID/machine-id  of a machine that is a clone: what its guest writes to /etc/machine-id
 *   ROOT/instances/ID/{hosts,hostname,resolv.conf}
 *   ROOT/instances/ID/log       and log.1 ...: log driver json-file
 *   ROOT/instances/ID/started   it was started since `state` was written: without RUN/instances/ID, the host died
 *   ROOT/instances/ID/state     JSON: how it ended last (instance_state)
 *   ROOT/instances/NAME         a link to ID
 *   RUN/instances/ID/           there while somebody makes, runs or removes it, who has it locked (flock): one that
 *                               nobody has locked is what a killed one has left, and the next command cleans up
 *   RUN/instances/ID/socket     of its shim (protocol.h)
 *   RUN/instances/ID/state      as the shim knows it
 *   RUN/instances/ID/update     what was changed since it was started (live_update.h)
 *   RUN/instances/ID/again      its shim has ended, and whoever cleans up starts it again
 *   RUN/events                  what happened (event.h)
 *
 * Short changes of the configuration of one that may run are made under a lock on ROOT/instances/ID.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "instance/engine.h"
#include "instance/options.h"
#include "oci/digest.h"
#include "store/layer_mount.h"
#include "store/store.h"

enum { INSTANCE_ID_LEN = 64 };

struct backend;

enum instance_status {
        INSTANCE_CREATED,
        INSTANCE_RUNNING,
        INSTANCE_PAUSED,
        INSTANCE_RESTARTING, /* waits for its next start */
        INSTANCE_STOPPING,   /* was asked to end */
        INSTANCE_EXITED,
        INSTANCE_DAMAGED, /* its configuration cannot be read, and it does not run */
};

enum instance_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct instance_state {
        enum instance_status status;
        enum instance_health health;
        pid_t pid;                 /* of its first process (of QEMU for a VM); 0: it does not run */
        int exit_code;             /* of its last run: 128 + n for a signal */
        bool oom_killed;           /* in its last run */
        bool stopped;              /* by a command: restart policy unless-stopped lets it be */
        unsigned restarts;         /* by its policy, since it was started by a command */
        unsigned health_failures;  /* in a row */
        int64_t started, finished; /* nanoseconds since 1970; 0: never */
        char error[256];           /* why it did not start or how it was lost; "" */
};

const char *instance_status_name(enum instance_status s); /* "running" */
const char *instance_health_name(enum instance_health h); /* "healthy"; "" for none */

void instance_state_write(const struct instance_state *s, struct json_writer *w, const char *key);
int instance_state_read(struct json_object *obj, struct instance_state *ret, struct error *err);

/*
 * How it ended, in its directory, whole or not at all. A start reserves the room for it, so that it can be written when
 * the disk is full (file systems that write in place, as ext4 and xfs do). 0 or -errno.
 */
int instance_state_reserve(int dir);
int instance_state_keep(int dir, const struct instance_state *s);

struct instance {
        char id[INSTANCE_ID_LEN + 1];
        char *name, *path;           /* path: ROOT/instances/ID */
        int fd;                      /* of path */
        int lock;                    /* of RUN/instances/ID while this process has it, else -1 */
        int64_t created;             /* nanoseconds since 1970 */
        struct digest image;         /* of what it stands on: the store keeps it as long as the instance is there */
        char *image_name;            /* as it was typed */
        struct image_config *config; /* the image's, once it was read (instance_image.h) */
        char *upper;                 /* the name of the directory that has what it has written */
        const struct backend *backend;
        struct instance_options options; /* settled, with what the image says where nothing was asked for */
        const char *const *args;         /* the program and its arguments, NULL-terminated; in options' arena */
        struct image_users users;        /* while it is started: its own user namespace (user_range.h); -1 */
        bool has_mounted;                /* this start mounted volumes, which its end unmounts */
        struct instance_state state;     /* when it was read */
        char *damage;                    /* why its configuration cannot be read: it has no options; NULL */
};

void instance_free(struct instance *i);
static inline void instance_free_(struct instance **i)
{
        instance_free(*i);
}
#define own_instance __attribute__((cleanup(instance_free_)))

/*
 * By name, id, or the first digits of an id. -ENOENT: "no such instance: X"; -EEXIST: several fit. The state is the
 * truth at this moment: of one whose shim was killed, what is left is cleaned up first. One with a configuration that
 * cannot be read is an error, and instance_find_any() finds it all the same, to be removed.
 */
int instance_find(struct engine *e, const char *name, struct instance **ret, struct error *err);
int instance_find_any(struct engine *e, const char *name, struct instance **ret, struct error *err);
int instance_read_state(struct engine *e, struct instance *i, struct error *err);

/* The newest first, damaged ones with them; *i belongs to the caller of instances() and lives during the call. */
int instances(struct engine *e, int (*each)(void *userdata, struct instance *i), void *userdata, struct error *err);

/* Files, processes and namespaces of a machine with a kernel of its own are not this host's: -ENOTSUP, with what cannot
 * be done ("copied from"). */
int instance_check_on_host(const struct instance *i, const char *what, struct error *err);

/* For a look: the state that was read last may have passed. */
bool instance_is_running(const struct instance *i); /* also when it is paused, stopping, or waits for its next start */

/* Cleans up what killed processes and a host that died have left; what fails is told to e->warn. */
void instances_sweep(struct engine *e);

/* --- life. All of these may be called by any process; -EBUSY when another one is at it. --- */

/* A new one that does not run; it is locked. options are taken over and settled. The name is made up if there is none.
 */
int instance_create(struct engine *e, const struct image_info *image, const char *image_name,
                    struct instance_options *options, struct instance **ret, struct error *err);

/* Gives the lock back of one that was made and is not to be started. */
void instance_release(struct engine *e, struct instance *i);

/* Keeps why one did not start, and gives its lock back. */
void instance_fail(struct engine *e, struct instance *i, int exit_code, const char *why);

/*
 * Starts it, and returns when it really runs: *ret_shim is a connection to its shim (shim_client.h) that belongs to
 * this process, attached when attach is true: from then on nothing of its output is lost. -EALREADY: it runs.
 */
int instance_start(struct engine *e, struct instance *i, bool attach, int *ret_shim, struct error *err);

/* TIMEOUT_HOST: its own, and it is the host that goes down: a restart policy unless-stopped still holds.
 * TIMEOUT_FOR_GOOD: it is about to be removed. */
enum { TIMEOUT_FOR_GOOD = -4, TIMEOUT_HOST = -3, TIMEOUT_OWN = -2, TIMEOUT_NONE = -1 };

/* Asks it to end by its stop signal, kills it after timeout seconds (TIMEOUT_OWN: its own, or 10; TIMEOUT_NONE: never),
 * and waits for its end. One that does not run is no error. */
int instance_stop(struct engine *e, struct instance *i, int timeout, struct error *err);
/* The same in two steps, so that many stop at once. *ret_shim: -1 when it does not run. */
int instance_stop_begin(struct engine *e, struct instance *i, int timeout, int *ret_shim, struct error *err);
int instance_stop_end(struct engine *e, struct instance *i, int shim, struct error *err);
/* Its shim is gone: it has done what it had to, or was killed; the state says it, as soon as nobody has the lock. Waits
 * some seconds for that; false: it does not come about. */
bool instance_has_ended(struct engine *e, struct instance *i);
/* -ESRCH: it does not run; one that ends just before its SIGKILL comes is no error. */
int instance_kill(struct engine *e, struct instance *i, int signo, struct error *err);
int instance_pause(struct engine *e, struct instance *i, bool paused, struct error *err);
int instance_rename(struct engine *e, struct instance *i, const char *name, struct error *err);

/* Changes its options, on what others have made of them by now: they are kept, limits hold at once if it runs, and for
 * all of its later starts. */
typedef int instance_change(void *userdata, struct instance_options *o, struct error *err);
int instance_update(struct engine *e, struct instance *i, instance_change *change, void *userdata, struct error *err);

/* After the end of one that this process was attached to from its start: what its shim left to it, a network, --rm, and
 * another start. */
int instance_clean_up(struct engine *e, struct instance *i, struct error *err);

/* -EBUSY: it runs, unless force. volumes: its anonymous volumes as well. */
int instance_remove(struct engine *e, struct instance *i, bool force, bool volumes, struct error *err);

/* Writes a file of its directory, whole or not at all. */
int instance_write_file(struct instance *i, const char *name, const char *text, size_t len, struct error *err);

/* Bytes on the disk of what it has written. */
int instance_size(const struct instance *i, uint64_t *ret, struct error *err);
