/* SPDX-License-Identifier: Apache-2.0 */
/* holt-shim as the commands see it. The frames are in protocol.h. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "instance/backend.h"
#include "instance/instance.h"
#include "instance/protocol.h"

/*
 * Starts a shim for the instance, which must be locked: the lock passes to the shim. It waits for shim_begin(); that
 * the connection ends before means that it goes, and leaves nothing. Returns the connection. To be called early: the
 * shim starts while its job is being made.
 */
int shim_spawn(struct engine *e, struct instance *i, struct error *err);

/*
 * Gives it its job: the configuration and descriptors, and of the instance what the shim has to know (log, restart
 * policy, health check, stop signal, --rm, whether it has a terminal and an input). Returns when the instance's program
 * was executed, or with why it was not (err->code is ENOENT or another of execve(), error text from the backend).
 * attach: this connection gets all output, and its input is the instance's.
 */
int shim_begin(int shim, struct engine *e, struct instance *i, const struct start_job *job, bool attach,
               struct error *err);

/* To a shim that runs. -ENOENT or -ECONNREFUSED: there is none. */
int shim_connect(struct engine *e, const struct instance *i, struct error *err);

struct attach_options {
        const char *name;          /* of the instance */
        bool tty;                  /* there is a terminal at the other end */
        bool input;                /* our standard input is the instance's */
        bool no_output, no_errors; /* its output, its errors are not wanted */
        bool proxy_signals;        /* ours are passed on */
        const char *detach_keys;   /* "ctrl-p,ctrl-q"; "": none; NULL: the usual */
        bool redraw;               /* it runs already: have it draw its terminal anew */
        int64_t timeout;           /* ns; 0: none. Then it is killed: -ETIMEDOUT */
        bool is_machine;           /* who is connected to is its holt-vm, and not its shim */
};

enum attach_end { ATTACH_EXITED, ATTACH_DETACHED };

/* Asks a running one for its output from now on, as shim_begin() does with attach. */
int shim_attach(int shim, struct error *err);

/*
 * Relays between the connection that is attached and our standard streams until the instance ends (*ret_exit is then
 * its exit status, and the shim has given everything back but ROOT/instances/ID) or the user leaves it.
 */
int shim_relay(int shim, const struct attach_options *o, enum attach_end *ret_end, int *ret_exit, struct error *err);

/* Sends the signal and, if it is one that ends, takes note that it is a command's will. */
int shim_signal(int shim, int signo, struct error *err);
/* Begins the stop; shim_wait() sees its end. timeout in seconds; -1: for ever; PROTOCOL_STOP_*. */
int shim_stop(int shim, int timeout, struct error *err);

/* What it tells of the instance from now on has that name. */
int shim_rename(int shim, const char *name, struct error *err);

/* *ret is the state then. For health: -ESRCH when it ended before. */
int shim_wait(int shim, enum wait_for what, struct instance_state *ret, struct error *err);
