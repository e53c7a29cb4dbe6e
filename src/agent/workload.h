/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent runs, as a table of functions: the guest's (guest.h), or a test's.
 *
 * START's JSON:
 *
 *   what         "container": the configuration behind the JSON is a runtime-spec. "process": beside the container's
 *                first; only for it are env, user, cwd, privileged, rows, columns. "errand": errand.h; only for it are
 *                follow, bare, freeze
 *   tty          true: it has a terminal (for a container: its runtime-spec says so too)
 *   interactive  false: its input is /dev/null; otherwise (and without) it comes by STDIN
 *   args, env    arrays of strings
 *   user, cwd    the container's own without them
 *   privileged   true: all capabilities
 *   rows, columns  of the terminal
 *   follow       true: a link is what it leads to
 *   bare         true: without what is mounted into the container
 *   freeze       true: the container stands still until the end
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum workload_kind { WORKLOAD_CONTAINER, WORKLOAD_PROCESS, WORKLOAD_ERRAND };

struct workload_request {
        enum workload_kind kind;
        bool tty, interactive, privileged, follow, bare, freeze;
        uint32_t rows, columns;
        const char **args, **env; /* NULL-terminated, or NULL */
        const char *user, *cwd;   /* or NULL */
        const char *config;       /* in START's payload */
        size_t config_len;

        struct json_object *json;
        struct arena arena;
};

#define own_workload_request __attribute__((cleanup(workload_request_finish)))
void workload_request_finish(struct workload_request *r);

/* Of START's payload, which has to live as long. -EINVAL. */
int workload_request_read(const void *payload, size_t len, struct workload_request *ret, struct error *err);

struct workload {
        int (*configure)(void *userdata, const char *json, size_t len, struct error *err);
        /* stdio: its ends, closed by the caller; -1 with a terminal, of which *ret_master is ours (-1 otherwise). The
         * process is our child. */
        int (*start)(void *userdata, const struct workload_request *r, const int *stdio, pid_t *ret_pid,
                     int *ret_master, struct error *err);
        /* pid: a child that is not waited for yet. all: every process of the container. */
        int (*signal)(void *userdata, enum workload_kind kind, pid_t pid, int signo, bool all, struct error *err);
        /* The container's first process has ended. True: it, or another of its processes, for want of memory. */
        bool (*oom_killed)(void *userdata);
        /* After that, when it has been told. */
        void (*clean_up)(void *userdata);
        /* Once, when there is nothing else to do: what can wait until then. */
        void (*settle)(void *userdata);
        /* JSON (stats_text.h). */
        int (*stats)(void *userdata, struct buf *out, struct error *err);
        /* The container's limits: linux.resources. */
        int (*update)(void *userdata, const char *json, size_t len, struct error *err);
        /* A session with "freeze" has ended. */
        void (*thaw)(void *userdata);
        /* The container stands still until resume(); json: of a copy, len 0 for none. On an error it still does. */
        int (*suspend)(void *userdata, struct error *err);
        int (*resume)(void *userdata, const char *json, size_t len, struct error *err);
        /* Nothing runs: it is as before configure(), which can come again. */
        int (*reset)(void *userdata, struct error *err);
};
