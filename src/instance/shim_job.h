/* SPDX-License-Identifier: Apache-2.0 */
/* What START says: how the program runs, and what the shim has to know of its instance. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "instance/instance.h"
#include "instance/log_options.h"
#include "instance/restart_policy.h"

struct health_options {
        const char *const *test; /* "CMD" and arguments, or "CMD-SHELL" and a line; NULL: no health check */
        int64_t interval, timeout, start_period, start_interval; /* ns */
        uint32_t retries;
};

struct shim_job {
        const char *name, *image;
        const char *holt; /* the program that cleans up */
        const char *backend;
        bool tty, interactive;
        bool attach;   /* the connection that START came on gets the output, and cleans up in the end */
        bool cleanup;  /* there is something to clean up that is not the shim's: a network, an instance to remove */
        bool remove;   /* --rm: its end is not worth noting */
        bool has_root; /* the first descriptor; then has_netns: the next; then n_given; then pins */
        bool has_netns;
        uint32_t n_given;
        bool by_systemd;               /* as start_job */
        int stop_signal, stop_timeout; /* seconds; -1: for ever */
        struct restart_policy restart;
        struct log_options log;
        struct health_options health;
        struct instance_state before; /* how it ended last */
        struct json_object *json;     /* owns the strings, where it was read */
        const char **lists;           /* malloc'ed */
};

void shim_job_finish(struct shim_job *j);
#define own_shim_job __attribute__((cleanup(shim_job_finish)))

/* From what was asked of the instance; strings are the instance's. -EINVAL names what makes no sense. */
int shim_job_of(const struct instance *i, struct shim_job *ret, struct error *err);

/* As START's payload up to the configuration. The options that log and restart came from are written. */
int shim_job_write(const struct shim_job *j, const struct instance *i, struct buf *out);
/* *ret_config points into the payload. */
int shim_job_read(const unsigned char *payload, size_t len, struct shim_job *ret, const char **ret_config,
                  size_t *ret_config_len, struct error *err);
