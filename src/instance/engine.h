/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands work with: two directories, and the store when they need it. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "store/store.h"

struct engine {
        char *root, *run;
        struct store *store;             /* NULL until engine_store() */
        bool has_own_mounts;             /* this process is in a mount namespace of its own (instance_root.h) */
        void (*warn)(const char *text);  /* told of what stops nothing */
        void (*debug)(const char *text); /* NULL: nobody wants to know */
};

/* root, run: as for store_open(). warn and debug are the caller's to set. */
int engine_open(const char *root, const char *run, struct engine *ret, struct error *err);
void engine_close(struct engine *e);
#define own_engine __attribute__((cleanup(engine_close)))

/* Opens the store at the first call; it is the engine's. */
int engine_store(struct engine *e, struct store **ret, struct error *err);

/* From here on what is mounted is seen by this process alone, and goes with it. Twice is once. */
int engine_own_mounts(struct engine *e, struct error *err);

/* RUN/instances or ROOT/instances, made if it is missing: a descriptor. */
int engine_open_run(const struct engine *e, struct error *err);
int engine_open_instances(const struct engine *e, struct error *err);
