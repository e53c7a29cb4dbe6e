/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that a guest writes to: a raw file with an empty ext4 in it. mke2fs makes one for each size, kept as
 * ROOT/vm/disks/ext4-BYTES; an instance's own is a copy of the few blocks that are not holes, so that it takes a
 * millisecond and grows with what is written. Scattered writes cost what they write (qcow2's clusters: 16 times that),
 * and what the guest discards becomes holes again.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Makes directory/name. -ENOENT, with the package, when there is no mke2fs. */
int writable_disk_make(const char *root, uint64_t size, int directory, const char *name, struct error *err);
