/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's archive again, compressed: the same layer gives the same bytes on every host with the same libraries,
 * however many threads worked.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"
#include "store/tar_recipe.h"

struct pack_result {
        struct digest blob, diff_id;
        uint64_t blob_size, tar_size;
};

/* Compresses the layer's archive and gives it to write(). level: 0 for the usual one. -EBADMSG when the archive is not
 * that of diff_id. */
int pack_layer(int image_fd, int recipe_fd, const struct digest *diff_id, enum compression c, int level,
               tar_write write, void *userdata, struct pack_result *ret, struct error *err);
