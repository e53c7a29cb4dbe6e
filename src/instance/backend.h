/* SPDX-License-Identifier: Apache-2.0 */
/* What isolates an instance: a table of functions each. A NULL member is not supported: say so. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/instance.h"

/* A process beside the first. */
struct exec_request {
        const char *const *args;
        const char *const *env;     /* NAME=VALUE, beside the instance's own; NULL */
        const char *user, *workdir; /* NULL: the instance's */
        bool tty, interactive, detach, privileged;
        const char *detach_keys; /* NULL: the usual */
        int64_t timeout;         /* ns; 0: none. Then it is killed: -ETIMEDOUT */
        const char *event_id;    /* as which `events` knows it; NULL: it does not hear of it */
};

/* Counters since the start; what a host does not count is UINT64_MAX. */
struct instance_stats {
        uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, throttled_ns;
        uint64_t memory, memory_limit;    /* bytes; without the file cache that can be given up, as Docker shows it */
        uint64_t host_memory;             /* the same, as the host counts it: of a machine with what QEMU needs */
        uint64_t block_read, block_write; /* bytes */
        uint64_t net_in, net_out;         /* bytes, of all interfaces but lo */
        uint64_t pids, pids_limit;
        uint64_t psi_cpu_us, psi_memory_us, psi_io_us; /* "some ... total=" of PSI */
};

/* What a start needs, made by the process that asks for it; the shim keeps it for restarts. Descriptors belong to the
 * caller. */
struct start_job {
        struct buf config; /* the runtime-spec's configuration */
        int root;          /* the root file system, detached; of a machine the program that runs it */
        int netns;         /* -1: config says it all; of a machine its interface (net/tap.h) */
        const int *given;  /* CONTAINER_GIVEN of config */
        size_t n_given;
        const int *pins; /* keep the layers */
        size_t n_pins;
        bool by_systemd;   /* its cgroup is made by the user's systemd */
        bool starts_again; /* there will be another start with this root */
};

enum { BACKEND_REASON = 256 };

struct backend {
        const char *name; /* "container" */
        bool is_machine;  /* it has a kernel of its own: its job is vm_job.h's, and pins are its layers, lowest first */

        /* In the shim, with the instance's stdin, stdout, stderr (-1 with a terminal) as its ends in the job; returns
         * a pidfd, whose process the shim reaps. *ret_master: the terminal, or -1. */
        int (*start)(const char *run, const char *id, const char *path, const struct start_job *job, const int *stdio,
                     pid_t *ret_pid, int *ret_master, struct error *err);
        /* In the shim or in whoever cleans up: nothing of it is left. May be called twice, and for one that never
         * started. */
        int (*destroy)(const char *run, const char *id, struct error *err);

        /* Whether the kernel killed some of it for want of memory: before destroy(). 1, 0. */
        int (*oom_killed)(const char *run, const char *id);

        int (*signal)(const char *run, const char *id, int signo, bool all, struct error *err);
        int (*pause)(const char *run, const char *id, bool paused, struct error *err);
        /* 1: it is; 0. reason: NULL, or why, where no command did it; "" */
        int (*is_paused)(const char *run, const char *id, char reason[BACKEND_REASON]);
        /*
         * Runs it to its end with this process's standard streams; 125, 126, 127 as *ret_exit when it did not run,
         * 137 with an error when the machine has ended under it.
         * Who leaves it by the detach keys gets -ECANCELED. The process can do nothing else afterwards: its children
         * would be the instance's.
         */
        int (*exec)(struct engine *e, struct instance *i, const struct exec_request *x, int *ret_exit,
                    struct error *err);
        /* A namespace of its first process ("pid", "ipc", "user"), and of no other that has its pid by now: a
         * descriptor. -ESRCH: it does not run. */
        int (*open_namespace)(const char *run, const char *id, const char *kind, struct error *err);
        /* resources: the runtime-spec's linux.resources; of a machine, vm_limits.h's change. */
        int (*update)(const char *run, const char *id, const char *resources, size_t len, struct error *err);
        int (*stats)(const char *run, const char *id, struct instance_stats *ret, struct error *err);
        /* Host pids of all its processes; *ret is malloc'ed. */
        int (*pids)(const char *run, const char *id, pid_t **ret, size_t *ret_n, struct error *err);
};

extern const struct backend backend_container, backend_vm;

/* NULL: unknown. */
const struct backend *backend_find(const char *name);
