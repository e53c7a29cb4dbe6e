/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's machine protocol (docs/interop/qmp-spec) over a stream socket: one JSON text a line. Commands go one after
 * the other; what happens meanwhile (events) is kept for who asks. QEMU runs a hostile guest and may be taken over: a
 * line has a limit, and a reply that makes no sense ends the talk.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum { QMP_MAX_LINE = 64 << 10 };

struct qmp {
        int fd; /* borrowed */
        struct buf input;
        size_t taken;                                                             /* of input */
        int (*event)(const char *name, struct json_object *data, void *userdata); /* NULL; non-zero ends qmp_wait() */
        void *userdata;
};

#define own_qmp __attribute__((cleanup(qmp_finish)))
void qmp_finish(struct qmp *q);

/* Reads the greeting and leaves the negotiation. timeout in ms: for this and every later answer. */
int qmp_open(struct qmp *q, int timeout, struct error *err);

/*
 * One command; arguments: a JSON object's text, or NULL. *ret_value: what "return" says, with its document for
 * json_put(); both may be NULL. The error has QEMU's own words.
 */
int qmp_execute(struct qmp *q, const char *command, const char *arguments, int timeout, struct json_object **ret_root,
                struct error *err);

/* Reads events until event() says so, or the time is over (-ETIMEDOUT), or QEMU is gone (-EPIPE). */
int qmp_wait(struct qmp *q, int timeout, struct error *err);
