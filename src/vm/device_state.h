/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * What QEMU saves of its devices without the memory (xen-save-devices-state: the only command that leaves memory which
 * is not shared away) has no word on the machine's kind, without which it loads nothing (QEMU docs/devel/migration).
 * Copies it from one file to an empty one with that word. -EBADMSG: it is nothing of the kind.
 */
int device_state_copy(int from, int to, struct error *err);
