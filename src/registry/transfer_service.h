/* SPDX-License-Identifier: Apache-2.0 */
/* Holt's answers to holt-fetch; private to the transfer*.c files. */
#pragma once

#include <stddef.h>

#include "base/json.h"
#include "registry/registries_conf.h"
#include "registry/transfer.h"
#include "registry/transfer_limits.h"
#include "registry/transfer_protocol.h"

struct transfer_service {
        const struct transfer *transfer;
        struct transfer_limits limits;
        struct registries *registries; /* read when first asked for */
        int *pins;                     /* of layers that the job found or brought */
        size_t n_pins, cap_pins;
};

struct service_reply {
        struct json_writer w; /* open object */
        int fds[TRANSFER_MAX_FDS];
        size_t n_fds;
};

/* What --debug shows. */
void transfer_debug(const struct transfer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Answers one request with its n_fds descriptors, which stay the caller's; an error is the answer, too. */
int transfer_answer(struct transfer_service *s, struct json_object *request, const int *fds, size_t n_fds,
                    struct service_reply *reply, struct error *err);

void transfer_service_finish(struct transfer_service *s);
