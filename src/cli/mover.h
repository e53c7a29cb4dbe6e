/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer with what the commands that start one have in common: their options, progress and warnings. */
#pragma once

#include "cli/invocation.h"
#include "cli/progress.h"
#include "registry/transfer.h"

struct mover {
        struct transfer transfer;
        struct progress *progress;
        char *username, *password; /* of --creds */
        int (*result)(void *userdata, struct json_object *result);
        void *userdata;
};

/* verb: "downloading". Checks --platform, reads --authfile, --creds, --tls-verify, --progress and -q where the command
 * has them. */
int mover_open(struct mover *m, const struct invocation *inv, struct store *store, const char *verb, struct error *err);
void mover_finish(struct mover *m);
#define own_mover __attribute__((cleanup(mover_finish)))

/* transfer_run() with bars. result may be NULL. */
int mover_run(struct mover *m, const char *job, const struct buf *parameters, int fd,
              int (*result)(void *userdata, struct json_object *result), void *userdata, struct error *err);
