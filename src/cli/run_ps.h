/* SPDX-License-Identifier: Apache-2.0 */
/* ps(1) of the host. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/* Appends what it prints; argv with its name. An error when it fails. */
int run_ps(char *const *argv, struct buf *ret, struct error *err);
