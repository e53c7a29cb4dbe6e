/* SPDX-License-Identifier: Apache-2.0 */
/* To the holt-vm of an instance that runs: RUN/instances/ID/vm.sock. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "instance/backend.h"

/* A connection after both HELLOs. -ESRCH: there is none. */
int vm_connect(const char *run, const char *id, struct error *err);

/* One frame, answered by DONE. */
int vm_ask(const char *run, const char *id, unsigned type, const void *payload, size_t len, struct error *err);

/* One frame, answered by STATE, whose JSON is appended. */
int vm_query(const char *run, const char *id, unsigned type, const void *payload, size_t len, struct buf *ret,
             struct error *err);

/* 1, 0; also when it does not run. reason: as backend.h has it. */
int vm_is_paused(const char *run, const char *id, char reason[BACKEND_REASON]);
