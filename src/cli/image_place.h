/* SPDX-License-Identifier: Apache-2.0 */
/* Where images are mounted for people: RUN/mounts/HEX, where HEX is the image's id. */
#pragma once

#include "base/error.h"
#include "store/store.h"

/* Mounts the image read-only, unless it is; *ret_path is malloc'ed. */
int image_place_mount(struct store *s, const struct image_info *info, char **ret_path, struct error *err);

/* -ENOENT when it is not mounted. */
int image_place_unmount(struct store *s, const struct digest *id, struct error *err);

/* Whether it is: *ret_path (may be NULL) is malloc'ed then. 1, 0 or -ENOMEM. */
int image_place_find(struct store *s, const struct digest *id, char **ret_path, struct error *err);
