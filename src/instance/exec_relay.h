/* SPDX-License-Identifier: Apache-2.0 */
/* Between a process that we started and our standard streams. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "instance/backend.h"

/*
 * The process's standard streams. What may be handed to it as it is, is: a pipe, a socket, the null device. Everything
 * else it could open again with other rights than it was given with (/proc/self/fd), walk out of (a directory), or type
 * into (our terminal): that is relayed through a pipe.
 */
struct exec_streams {
        int given[3]; /* the process's own: for container_options.stdio; -1 with a terminal */
        int ours[3];  /* our ends of pipes; -1 */
        int null;     /* -1 */
};

/* With a terminal, or detached from us, there is nothing of ours to hand over. */
int exec_streams_open(struct exec_streams *s, const struct exec_request *x, struct error *err);
/* What is the process's, after its start. */
void exec_streams_hand_over(struct exec_streams *s);
void exec_streams_close(struct exec_streams *s);
#define own_exec_streams __attribute__((cleanup(exec_streams_close)))

/*
 * Until the process ends; its exit status. -ECANCELED: the detach keys were typed; -ETIMEDOUT: x->timeout is over, and
 * it was killed. master: of its terminal, or -1.
 */
int exec_relay(pid_t pid, int pidfd, int master, struct exec_streams *s, const struct exec_request *x, int *ret_exit,
               struct error *err);
