/* SPDX-License-Identifier: Apache-2.0 */
/* From a profile to the instructions of its filter. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/runtime_spec.h"

/* An action with its errno or trace number, as a filter returns it. EPERM stands for a number that was not given. */
uint32_t seccomp_action_value(uint32_t action, const struct opt_u64 *number);

/* The bytes that say what the profile compiles to: equal bytes, equal program. */
void seccomp_key_add(const struct spec_seccomp *profile, struct buf *out);

/* Compiles the profile; appends instructions (struct sock_filter) to `out`. */
int seccomp_compile(const struct spec_seccomp *profile, struct buf *out, struct error *err);

/*
 * Replaces a program by a shorter one that answers the same, whatever it is asked. One that cannot be made shorter, or
 * has instructions that libseccomp does not use, stays as it is.
 */
void seccomp_compact(struct buf *program);

/*
 * Appends instructions that answer ENOSYS to system calls newer than any that the profile names, and let all others
 * fall through to what is appended behind them. Without it a program of tomorrow would be told EPERM by a profile of
 * today for a call that it only tries out, and give up instead of using the older one.
 */
void seccomp_add_enosys_stub(const struct spec_seccomp *profile, struct buf *out);
