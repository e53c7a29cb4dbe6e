/* SPDX-License-Identifier: Apache-2.0 */
/* Images of the store, as the commands want them. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "cli/invocation.h"
#include "oci/image_config.h"
#include "store/store.h"

enum { SHORT_ID_LENGTH = 12 };

/* The store of --root and --run. */
int invocation_store(const struct invocation *inv, struct store **ret, struct error *err);

/*
 * store_image_find(), which knows Docker's registry for a short name; what is not there by that name is looked for by
 * those that registries.conf gives it, as a pull would.
 */
int image_find(struct store *s, const char *name, struct image_info **ret, struct error *err);
/* The same; *ret_name: which of the image's names was meant, or an empty one (no registry) when it was an id. */
int image_find_named(struct store *s, const char *name, struct image_info **ret, struct reference *ret_name,
                     struct error *err);

/* The digits of an id that people are shown. */
const char *image_id_text(const struct digest *id, bool whole, char ret[sizeof(struct digest)]);

/* The image's configuration: read, or as a JSON value for json_put(). */
int image_config_load(struct store *s, const struct digest *id, struct image_config *ret, struct error *err);
int image_config_load_json(struct store *s, const struct digest *id, struct json_object **ret, struct error *err);

/* Appends the repository of a full name as people write it ("debian"), or the whole name with tag or digest. */
void image_add_repository(struct buf *out, const char *name);
void image_add_short_name(struct buf *out, const char *name);

/* The images that were named, one after the other, in one piece; info is valid until images_finish(). */
struct image_list {
        struct image_info **items;
        size_t n, cap;
};

/* Copies all images of the store, newest first. */
int image_list_all(struct store *s, struct image_list *ret, struct error *err);
void image_list_finish(struct image_list *l);
#define own_image_list __attribute__((cleanup(image_list_finish)))
