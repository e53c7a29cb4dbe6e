/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup2's device filter: an eBPF program that the kernel asks before a process of the cgroup
 * opens or makes a device node (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15).
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { BPF_DEVICE_ANY = -1, BPF_DEVICE_ALL_ACCESS = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

struct bpf_device_rule {
        bool allow;
        char type;            /* 'a', 'b' or 'c' */
        int64_t major, minor; /* BPF_DEVICE_ANY, or at most INT32_MAX */
        unsigned access;      /* BPF_DEVCG_ACC_* bits */
};

/*
 * Writes the program for the rules: for each kind of access the last rule that matches decides, and
 * `default_allow` where none does. *ret is malloc'ed. -ENOMEM, or -ERANGE for a number no device can have.
 */
int bpf_device_build(const struct bpf_device_rule *rules, size_t n, bool default_allow, struct bpf_insn **ret,
                     size_t *ret_n);

/*
 * Loads the program and makes it the only device filter of the cgroup2 directory `cgroup_fd` (not O_PATH): a single
 * older one is replaced at one stroke where the kernel can (Linux 5.6), others are detached after it is attached.
 * 0 or a negative errno with err filled.
 */
int bpf_device_attach(int cgroup_fd, const struct bpf_insn *program, size_t n, struct error *err);
