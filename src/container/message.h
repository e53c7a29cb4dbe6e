/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime and a container's first process say to each other while the container
 * is made, over a SOCK_SEQPACKET pair (or, at `start`, a connection to the start socket).
 * Both ends are the same program image on the same host: the struct goes over as it is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum message_type {
        MESSAGE_ERROR = 1, /* child: it failed; .error */
        MESSAGE_GO,        /* runtime: what you wait for is done */
        MESSAGE_STAGE_PID, /* stage: .number is the pid of init */
        MESSAGE_MAP_USERS, /* stage or child: write my user namespace's mappings */
        MESSAGE_CGROUPS,   /* runtime: your cgroups are made; with descriptors to join them */
        MESSAGE_LIMITED,   /* runtime: their limits are set */
        MESSAGE_IDMAP,     /* child: with a detached mount; map its owners as mounts[.number] says, then GO */
        MESSAGE_MOUNTED,   /* child: mounts stand, run the runtime hooks, then GO */
        MESSAGE_CONSOLE,   /* child: with the terminal's master */
        MESSAGE_CREATED,   /* child: all is made, waiting for start */
        MESSAGE_LISTENER,  /* child: with the seccomp notification descriptor */
        MESSAGE_CRIU,      /* child: with a socket to talk to the criu that it is about to become */
};

struct message {
        enum message_type type;
        int32_t number; /* MESSAGE_STAGE_PID: the pid; MESSAGE_CGROUPS: bit i set: a descriptor for hierarchy i */
        struct error error;
};

/* fd -1: none goes with it. */
int message_send(int sock, enum message_type type, int fd);
int message_send_error(int sock, const struct error *err);
/* With a number and any descriptors. */
int message_send_fds(int sock, enum message_type type, int32_t number, const int *fds, size_t n_fds);

/*
 * Waits for a message. 1 when one came, 0 when the other end is gone, -errno. *ret_fd is the descriptor
 * that came with it, or -1; it may be NULL when none can come.
 */
int message_receive(int sock, struct message *ret, int *ret_fd);

/* The same with up to *n_fds descriptors; *n_fds is set to their number. */
int message_receive_fds(int sock, struct message *ret, int *fds, size_t *n_fds);

/* Waits for exactly this type; a MESSAGE_ERROR becomes *err, the end of the stream -EPIPE. */
int message_expect(int sock, enum message_type type, int *ret_fd, struct error *err);

/* The same for one with a number and descriptors. */
int message_expect_fds(int sock, enum message_type type, int32_t *ret_number, int *fds, size_t *n_fds,
                       struct error *err);
