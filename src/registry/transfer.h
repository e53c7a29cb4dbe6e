/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving images in and out: starts holt-fetch, gives it what it asks for (files, credentials, endpoints) and enters
 * what it hands back into the store. holt-fetch meets the network and unpacks; this process touches no byte of it but
 * the manifests and configurations.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct transfer_progress {
        const char *id;       /* a blob's digest */
        const char *state;    /* "waiting", "exists", "transferring", "retrying", "done", "mounted" */
        uint64_t done, total; /* bytes; total 0: not known */
};

struct transfer {
        struct store *store;
        const char *auth_file;           /* --authfile; NULL: where Docker and podman keep theirs */
        const char *tls_verify;          /* "true", "false" or NULL: as registries.conf says */
        const char *username, *password; /* --creds instead of the files; NULL */
        void (*progress)(void *userdata, const struct transfer_progress *p); /* may be NULL, as the others */
        void (*warning)(void *userdata, const char *text);
        void (*debug)(void *userdata, const char *text); /* which files, endpoints and processes are used */
        /* Results (fetch/operation.h says which): a JSON object each. Non-zero ends the job. */
        int (*result)(void *userdata, struct json_object *result);
        void *userdata;
};

/*
 * Runs one job ("pull", "push", "login", "search", "load", "save", "import", "layer", "verify") with its parameters (a
 * JSON object as text, fetch/operation.h) and the descriptor that it reads or writes (-1: none). Ctrl-C ends
 * holt-fetch, too: what was not handed over whole is gone. -EACCES: wrong credentials; -ENOENT: no such image there.
 */
int transfer_run(const struct transfer *t, const char *job, const char *parameters, int fd, struct error *err);
