/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's machine protocol (docs/interop/qmp-spec) over a stream socket: one JSON text a line. Commands go one after
 * the other; what happens meanwhile (events) is kept for who asks, and an answer that came too late is passed over. QEMU runs a hostile guest and may be taken over: a
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
        uint64_t asked, heard;                                                    /* numbers of commands */
        int (*event)(const char *name, struct json_object *data, void *userdata); /* NULL; non-zero ends qmp_wait() */
        void *userdata;
        const struct qmp_meanwhile *meanwhile; /* NULL */
};

/* What else has to be done while QEMU is waited for: fd can be read. Negative: the wait is over. */
struct qmp_meanwhile {
        int fd;
        int (*step)(const struct qmp_meanwhile *m, struct error *err);
};

#define own_qmp __attribute__((cleanup(qmp_finish)))
void qmp_finish(struct qmp *q);

/* Reads the greeting and leaves the negotiation. timeout in ms: for this and every later answer. */
int qmp_open(struct qmp *q, int timeout, struct error *err);

/* The same of a QEMU that need not have been started yet: the commands behind it can be sent at once. */
int qmp_begin(struct qmp *q, struct error *err);
/* Reads the greeting and the answer; ret_version: QEMU's own words, NULL or with room for that. */
int qmp_greet(struct qmp *q, int timeout, char *ret_version, size_t size, struct error *err);

/* The same words, asked for later. */
int qmp_version(struct qmp *q, int timeout, char *ret, size_t size, struct error *err);

/* Says a command (its name, and arguments as below), and hears its answer later: in the same order. */
int qmp_send(struct qmp *q, const char *command, const char *arguments, struct error *err);
/* The command that gives QEMU a descriptor, by that name, also a second time. */
int qmp_send_descriptor(struct qmp *q, const char *name, int fd, struct error *err);
/* The command that gives it a file, as /dev/fdset/SET. */
int qmp_send_file(struct qmp *q, size_t set, int fd, struct error *err);
int qmp_answer(struct qmp *q, const char *command, int timeout, struct json_object **ret_root, struct error *err);

/*
 * One command; arguments: a JSON object's text, or NULL. *ret_value: what "return" says, with its document for
 * json_put(); both may be NULL. The error has QEMU's own words.
 */
int qmp_execute(struct qmp *q, const char *command, const char *arguments, int timeout, struct json_object **ret_root,
                struct error *err);

/* Reads events until event() says so, or the time is over (-ETIMEDOUT), or QEMU is gone (-EPIPE). */
int qmp_wait(struct qmp *q, int timeout, struct error *err);
