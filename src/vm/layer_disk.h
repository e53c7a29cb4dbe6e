/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of an image as one disk: a descriptor of VMDK (VMware "Virtual Disk Format 5.0", monolithicFlat) that
 * names their files one after the other as flat extents. QEMU reads them in place; nothing is copied, nothing serves
 * them. One device holds any number of layers, and the guest's agent splits it again by the same numbers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum { LAYER_DISK_SECTOR = 512 };

struct layer_extent {
        const char *path; /* no quote and no control character: -EINVAL */
        uint64_t size;    /* bytes; rounded down to whole sectors (EROFS images are whole blocks) */
};

int layer_disk_describe(const struct layer_extent *v, size_t n, struct buf *ret, struct error *err);
