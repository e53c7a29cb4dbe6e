/* SPDX-License-Identifier: Apache-2.0 */
/* Removing images, and telling it in Docker's words. */
#pragma once

#include "cli/image_lookup.h"

/*
 * Takes the name away, and with the last one the image. name NULL: the image with all its names. Appends "Untagged:
 * ..." and "Deleted: ..." lines. -EBUSY when it is in use.
 */
int image_remove(struct store *s, const struct image_info *info, const struct reference *name, struct buf *out,
                 struct error *err);

/* store_image_remove(), but -EBUSY for an image that is mounted (image_place.h). */
int image_delete(struct store *s, const struct digest *id, struct error *err);
