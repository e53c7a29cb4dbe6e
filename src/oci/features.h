/* SPDX-License-Identifier: Apache-2.0 */
/* The features structure that `holt-oci features` prints (runtime-spec, features.md and features-linux.md). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends it as indented JSON with a final newline. It is the same on every host, but
 * for linux.seccomp.supportedFlags: for those the kernel is asked.
 */
int features_write(struct buf *out, struct error *err);
