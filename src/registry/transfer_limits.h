/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job is allowed to ask for; private to the transfer*.c files. Strangers' bytes may have taken holt-fetch over:
 * a pull from one registry then reaches neither the credentials of others, nor the images that are here, nor the names
 * of images that it was not started for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "oci/reference.h"

enum transfer_job {
        JOB_PULL = 1 << 0,
        JOB_PUSH = 1 << 1,
        JOB_LOGIN = 1 << 2,
        JOB_SEARCH = 1 << 3,
        JOB_LOAD = 1 << 4,
        JOB_SAVE = 1 << 5,
        JOB_IMPORT = 1 << 6,
        JOB_VERIFY = 1 << 7,
        JOB_LAYER = 1 << 8,
};

struct transfer_limits {
        enum transfer_job job;
        struct json_object *parameters;
        char registry[256];     /* that the job is about; "": none */
        struct reference image; /* of a pull or a push */
        const char *name;       /* that the image may get; NULL: none */
        bool all_tags;          /* of the pull's repository */
        struct transfer_place { /* registries that were named as places to look: for credentials */
                char registry[256];
        } * places;
        size_t n_places, cap_places;
};

/* parameters: as holt-fetch gets them. */
int transfer_limits_read(const char *job, const char *parameters, struct transfer_limits *ret, struct error *err);
void transfer_limits_finish(struct transfer_limits *l);

/* The job's own registry: 0 or -EPERM. */
int transfer_limits_registry(const struct transfer_limits *l, const char *registry, struct error *err);

/* The registry is a place of the job's from now on. */
int transfer_limits_add_place(struct transfer_limits *l, const char *registry, struct error *err);
/* 0 for the job's own registry and its places, else -EPERM. */
int transfer_limits_place(const struct transfer_limits *l, const char *registry, struct error *err);

/* Whether an image may get the name (NULL: none, which is always allowed): 0 or -EPERM. */
int transfer_limits_name(const struct transfer_limits *l, const char *name, struct error *err);
