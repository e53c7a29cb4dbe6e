/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A criu at work for us: `criu swrk`, which serves one request over a socket and asks back at the stages of its work.
 *
 * The process that becomes criu opens the directories and makes the socket itself, so that they belong to the mount
 * namespace it works in: criu looks the descriptors up in the process at the socket's other end as it was made.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "container/container.h"
#include "container/criu_message.h"

/* Descriptors in criu; those from CRIU_FD_FREE on are for criu_options.prepare. */
enum { CRIU_FD_SOCKET = 100, CRIU_FD_IMAGES, CRIU_FD_WORK, CRIU_FD_FREE };

struct criu_options {
        const char *images; /* directory; NULL: `prepare` opens it as CRIU_FD_IMAGES */
        const char *work;   /* directory */
        const char *log;    /* name of the log in `work` */
        int cgroup_fd;      /* to clone it into; -1: our own cgroups */
        /* What it does before it becomes criu; NULL: nothing. The sync socket is the launch's. */
        int (*prepare)(void *userdata, struct error *err);
        /* At a stage ("post-restore") of criu's work; pid is the root process or 0, fd what came along or -1. */
        int (*notify)(void *userdata, const char *stage, pid_t pid, int fd, struct error *err);
        void *userdata;
};

struct criu {
        const struct criu_options *options;
        char program[256];
        pid_t pid;
        int pidfd, socket;
};

/* Finds criu in $PATH. `what` is for the error: "checkpoint". */
int criu_find(struct criu *c, const char *what, struct error *err);

/* Makes the process; `sync` is its end of a SOCK_SEQPACKET pair on which it reports until it has become criu. */
int criu_spawn(struct criu *c, const struct criu_options *o, int sync, struct error *err);

/* Waits until it has become criu; `sync` is our end of the pair. */
int criu_wait_ready(struct criu *c, int sync, struct error *err);

/* Appends the options that every request has, from the user's. */
void criu_add_common(struct buf *opts, const struct criu_options *o, const struct checkpoint_options *co,
                     const char *annotated_config);

/* Sends the request and serves its notifications until it is done. On failure err has the end of criu's log. */
int criu_run(struct criu *c, enum criu_type type, const struct buf *opts, struct error *err);

/* Ends criu, if it has not ended, and waits for it. */
void criu_finish(struct criu *c);
