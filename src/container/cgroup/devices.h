/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.devices as the kernel's v1 controller and systemd want it: a default, and exceptions from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/runtime_spec.h"
#include "sys/bpf_device.h"

struct device_exception {
        char type;            /* 'b' or 'c' */
        bool builtin;         /* nobody asked for it: one of the runtime's own rules */
        int64_t major, minor; /* -1: any */
        unsigned access;      /* BPF_DEVCG_ACC_* bits, not 0 */
};

struct device_list {
        bool allow; /* the default */
        size_t n;
        struct device_exception *v; /* malloc'ed */
};

#define own_device_list __attribute__((cleanup(device_list_finish)))

/*
 * Folds the rules into a list, starting from "deny everything", followed by what every container may
 * use: making any node; null, zero, full, random, urandom, tty, ptmx, pts and tun. -EINVAL when a rule takes a part
 * out of what an earlier one gave, which such a list cannot say.
 */
int device_list_fold(const struct spec_resources *res, struct device_list *ret, struct error *err);
void device_list_finish(struct device_list *list);

/* The same rules, in order, for a filter program. *ret is malloc'ed. */
int device_rules(const struct spec_resources *res, struct bpf_device_rule **ret, size_t *ret_n);

/* "c 1:3 rwm", "b 8:* r" */
void device_exception_format(const struct device_exception *e, char ret[80]);
