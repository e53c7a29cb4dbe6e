/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as Docker's flags give them, in the words of the runtime-spec. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "instance/options.h"

/* How many processes an instance may have unless it is said: a fork bomb ends there, a build does not. */
enum { RESOURCE_PIDS_LIMIT = 4096 };

/*
 * Members of linux.resources: memory, cpu, pids, blockIO. defaults: limits that nobody asked for, which keep one
 * instance from taking the host with it. warn: told of what this host's kernel cannot limit and Docker lets pass.
 */
int resource_flags_write(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                         struct json_writer *w, struct error *err);

/* Of them, what the guest of a machine keeps: not which of the host's processors and disks it may use. */
int resource_flags_write_guest(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                               struct json_writer *w, struct error *err);

int resource_flags_write_memory(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                                struct json_writer *w, struct error *err);
int resource_flags_write_cpu(const struct instance_options *o, struct json_writer *w, struct error *err);
int resource_flags_write_blkio(const struct instance_options *o, void (*warn)(const char *text), struct json_writer *w,
                               struct error *err);

/* --cpus in microseconds of each 100 ms; 0: no limit. */
int resource_flags_cpus(const struct instance_options *o, uint64_t *ret, struct error *err);

/* Whether cgroup2 is all there is. */
bool resource_is_unified(void);
