/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt.conf(5): what the host's owner wants otherwise. Lines "KEY = VALUE", comments from "#" on. Only those read it whom
 * it concerns: a container's start does not.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct holt_conf {
        uint32_t vm_pool;           /* machines of a kind that wait (vm_pool.h) */
        uint64_t vm_template_limit; /* bytes that templates of booted guests may take */
};

/* $HOLT_CONF, or /etc/holt/holt.conf. */
const char *holt_conf_path(void);

/* What the file says, and what is usual otherwise. 1: there is no file; negative: which line is wrong, and why. */
int holt_conf_read(struct holt_conf *ret, struct error *err);

/* The same of a text; name: for errors. */
int holt_conf_parse(const char *name, const char *text, size_t len, struct holt_conf *ret, struct error *err);

/* What is usual. */
struct holt_conf holt_conf_default(void);
