/* SPDX-License-Identifier: Apache-2.0 */
/* One layer's file system, as this kernel can mount it. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "store/layer_mounts.h"

/*
 * A detached, read-only mount of the image; finds out and remembers in m how, if that is not known. The lock is held.
 * -EOPNOTSUPP: LAYER_BACKING_USER, by which nothing can be mounted.
 */
int layer_backing_mount(struct layer_mounts *m, int image_fd, struct error *err);
