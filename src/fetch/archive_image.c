/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/archive_image.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/hash.h"
#include "oci/image_config.h"
#include "oci/reference.h"

/* ---- layers ---- */

static int hand_over_layer(struct host *h, struct archive_layer *l, struct error *err)
{
        struct host_layer_blob blob = { .digest = l->blob, .size = l->blob_size, .compression = l->compression };
        int r;

        if (l->image < 0)
                return 0;
        r = host_add_layer(h, &l->diff_id, l->tar_size, l->image, l->recipe, err);
        if (r == 0 && l->compression != COMPRESSION_NONE)
                r = host_add_layer_blob(h, &l->diff_id, &blob, err);
        if (r < 0)
                return r;
        archive_layer_finish(l);
        return 0;
}

/* As the manifest will have it. There is no media type for xz. */
static struct descriptor describe(const struct archive_layer *l)
{
        if (l->compression == COMPRESSION_XZ)
                return (struct descriptor){ .media_type = media_type_of_layer(COMPRESSION_NONE),
                                            .digest = l->diff_id,
                                            .size = l->tar_size };
        return (struct descriptor){ .media_type = media_type_of_layer(l->compression),
                                    .digest = l->blob,
                                    .size = l->blob_size };
}

/* ret: as many descriptors as there are parts. */
static int hand_over_layers(struct archive *a, const struct archive_image *image, const struct image_config *config,
                            struct descriptor *ret, struct error *err)
{
        if (config->n_diff_ids != image->n_parts)
                return error_set(err, EBADMSG, "the manifest has %zu layers, and the configuration %zu", image->n_parts,
                                 config->n_diff_ids);
        for (size_t i = 0; i < image->n_parts; i++) {
                const struct archive_part *p = &image->parts[i];
                const struct archive_wanted w = { &config->diff_ids[i], p->blob, p->blob_size };
                struct archive_layer *l = NULL;
                int r = archive_layer(a, p->name, &w, &l, err);

                if (r == 0)
                        r = hand_over_layer(a->host, l, err);
                if (r < 0)
                        return r;
                ret[i] = describe(l);
        }
        return 0;
}

/* ---- documents ---- */

static int make_manifest(struct archive_image *image, const struct descriptor *layers, struct buf *text,
                         struct error *err)
{
        const struct descriptor config = { .media_type = image->config_type,
                                           .digest = image->config_digest,
                                           .size = image->config_len };

        image_manifest_write(text, &config, layers, image->n_parts);
        if (buf_failed(text))
                return error_set(err, ENOMEM, "out of memory");
        image->manifest = text->data;
        image->manifest_len = text->len;
        image->manifest_type = MEDIA_TYPE_OCI_MANIFEST;
        return hash_of(text->data, text->len, &image->manifest_digest, err);
}

int archive_image_hand_over(struct archive *a, struct archive_image *image, struct error *err)
{
        own_image_config struct image_config config = {};
        own_mem struct descriptor *layers = calloc(image->n_parts + 1, sizeof *layers);
        own_buf struct buf made = {};
        int r = layers ? 0 : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = image_config_read(image->config, image->config_len, &config, err);
        if (r == 0)
                r = hand_over_layers(a, image, &config, layers, err);
        if (r == 0 && !image->manifest)
                r = make_manifest(image, layers, &made, err);
        if (r == 0)
                r = host_add_blob(a->host, &image->config_digest, image->config_type, image->config, image->config_len,
                                  err);
        if (r == 0)
                r = host_add_blob(a->host, &image->manifest_digest, image->manifest_type, image->manifest,
                                  image->manifest_len, err);
        if (made.data)
                image->manifest = NULL;
        return r;
}

/* ---- names ---- */

static int tell(struct archive *a, const struct archive_image *image, const char *name, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r = host_add_image(a->host, &image->manifest_digest, name, err);

        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        if (name)
                json_write_string(&w, "name", name);
        json_write_string(&w, "id", image->config_digest.text);
        json_write_string(&w, "manifest", image->manifest_digest.text);
        json_end_object(&w);
        return buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(a->host, text.data, err);
}

int archive_image_name(struct archive *a, const struct archive_image *image, const char *const *names, size_t n,
                       struct error *err)
{
        size_t named = 0;

        for (size_t i = 0; i < n; i++) {
                own_buf struct buf full = {};
                struct reference ref;
                struct error why;
                int r;

                if (reference_parse(names[i], &ref, &why) < 0) {
                        host_warning(a->host, "a name is left out: %s", why.text);
                        continue;
                }
                reference_add(&full, &ref);
                r = buf_failed(&full) ? error_set(err, ENOMEM, "out of memory") : tell(a, image, full.data, err);
                if (r < 0)
                        return r;
                named++;
        }
        return named ? 0 : tell(a, image, NULL, err);
}
