/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that work off a list, each with an HTTP client of its own. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "fetch/http.h"

/*
 * Calls work() for each item from 0 on, in `threads` threads (fewer when there are fewer items). The first failure ends
 * the others, too, and is returned.
 */
int workers_run(unsigned threads, size_t items,
                int (*work)(void *userdata, struct http *http, size_t item, struct error *err), void *userdata,
                struct error *err);
