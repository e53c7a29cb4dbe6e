/* SPDX-License-Identifier: Apache-2.0 */
/* Before something is removed for good. */
#pragma once

#include "base/buf.h"
#include "cli/args.h"

/*
 * Shows on standard error what would be removed (lines), and asks whether to go on: 1 or 0. --force says yes without
 * being asked. -EMISUSED where there is no terminal to ask on.
 */
int confirm_removal(const struct args *args, const struct buf *doomed, struct error *err);
