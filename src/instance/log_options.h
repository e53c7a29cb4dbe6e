/* SPDX-License-Identifier: Apache-2.0 */
/* --log-driver and --log-opt. */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum log_driver { LOG_JSON_FILE, LOG_JOURNALD, LOG_NONE };

struct log_options {
        enum log_driver driver;
        int64_t max_size;   /* json-file: bytes; -1: any */
        uint32_t max_files; /* json-file: with those that were rotated */
        const char *tag;    /* journald: SYSLOG_IDENTIFIER; NULL: the short id. From the list that was read */
};

/* driver NULL: json-file. options: "NAME=VALUE", NULL-terminated; NULL. -EINVAL names what is wrong. */
int log_options_parse(const char *driver, const char *const *options, struct log_options *ret, struct error *err);
