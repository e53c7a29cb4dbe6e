/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this host become a layer of the store: the upper directory of an overlay, or a whole root. */
#pragma once

#include "base/error.h"
#include "store/store.h"
#include "store/tar_tree.h"

struct layer_captured {
        struct digest diff_id;
        uint64_t tar_size;
        uint64_t entries; /* 1: nothing but the root directory */
        int pin;          /* the layer stays as long as it is open; the caller's */
};

/*
 * The archive (tar_tree.h) is never written: it is hashed while its EROFS image is made, and its recipe is kept, so
 * that a push or `save` has it again.
 */
int layer_capture(struct store *s, const struct tar_tree_options *o, struct layer_captured *ret, struct error *err);
