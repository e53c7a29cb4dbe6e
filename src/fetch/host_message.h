/* SPDX-License-Identifier: Apache-2.0 */
/* How host.c talks; private to the host*.c files and to the program's main. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "fetch/host.h"

/* sock stays the caller's. NULL without memory. */
struct host *host_new(int sock);
void host_free(struct host *h);
/* host_debug() is wanted; before any other thread. */
void host_want_debug(struct host *h);

struct host_answer {
        struct json_object *json;
        int fds[2]; /* -1: none */
};

void host_answer_finish(struct host_answer *a);
#define own_host_answer __attribute__((cleanup(host_answer_finish)))

/* A request is written with a json_writer between host_ask_begin() and host_ask(), which frees the buffer. */
struct host_request {
        struct buf text;
        struct json_writer writer;
};

void host_ask_begin(struct host_request *q, const char *name);

/* Sends it with the descriptors and waits for the answer, which has `want` descriptors. The error is that of holt. */
int host_ask(struct host *h, struct host_request *q, const int *fds, size_t n_fds, size_t want, struct host_answer *ret,
             struct error *err);

/* The last word: err is NULL when the job is done. */
int host_end(struct host *h, const struct error *err);
