/* SPDX-License-Identifier: Apache-2.0 */
/* A root filesystem as an archive becomes an image of one layer. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/archive.h"
#include "fetch/hash.h"
#include "fetch/operation.h"
#include "oci/image_config.h"

/* ---- the configuration ---- */

static int add_member(const char *key, struct json_object *value, void *userdata)
{
        struct json_writer *w = userdata;
        own_buf struct buf text = {};

        if (strcmp(key, "rootfs") == 0)
                return 0;
        json_add_value(&text, value);
        json_write_raw(w, key, buf_str(&text));
        return text.failed ? -ENOMEM : 0;
}

static void write_history(struct json_writer *w, struct json_object *config, const char *comment)
{
        const char *created = NULL;
        struct error err;

        json_begin_array(w, "history");
        json_begin_object(w, NULL);
        if (json_get_string(config, "created", &created, &err) > 0)
                json_write_string(w, "created", created);
        json_write_string(w, "comment", comment);
        json_end_object(w);
        json_end_array(w);
}

static int write_config(struct json_object *config, const char *comment, const struct digest *diff_id, struct buf *ret,
                        struct error *err)
{
        struct json_writer w = { .out = ret };
        struct json_object *history = NULL;
        int r = json_get_array(config, "history", &history, err);

        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        if (json_each(config, add_member, &w) < 0)
                return error_set(err, ENOMEM, "out of memory");
        json_begin_object(&w, "rootfs");
        json_write_string(&w, "type", "layers");
        json_begin_array(&w, "diff_ids");
        json_write_string(&w, NULL, diff_id->text);
        json_end_array(&w);
        json_end_object(&w);
        if (!history)
                write_history(&w, config, comment);
        json_end_object(&w);
        return buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* ---- the image ---- */

static int add_document(struct host *h, const char *media_type, const struct buf *text, struct digest *ret,
                        struct error *err)
{
        int r = hash_of(text->data, text->len, ret, err);

        return r < 0 ? r : host_add_blob(h, ret, media_type, text->data, text->len, err);
}

static int add_image(struct host *h, const struct archive_layer *l, const struct buf *config, const char *name,
                     struct error *err)
{
        const struct descriptor layer = { .media_type = media_type_of_layer(COMPRESSION_NONE),
                                          .digest = l->diff_id,
                                          .size = l->tar_size };
        struct descriptor d = { .media_type = MEDIA_TYPE_OCI_CONFIG, .size = config->len };
        own_buf struct buf manifest = {}, result = {};
        struct json_writer w = { .out = &result };
        struct digest digest = {};
        int r = add_document(h, d.media_type, config, &d.digest, err);

        if (r < 0)
                return r;
        image_manifest_write(&manifest, &d, &layer, 1);
        r = buf_failed(&manifest) ? error_set(err, ENOMEM, "out of memory")
                                  : add_document(h, MEDIA_TYPE_OCI_MANIFEST, &manifest, &digest, err);
        if (r == 0)
                r = host_add_image(h, &digest, name, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "id", d.digest.text);
        json_write_string(&w, "manifest", digest.text);
        json_end_object(&w);
        return buf_failed(&result) ? error_set(err, ENOMEM, "out of memory") : host_result(h, result.data, err);
}

int operation_import(struct host *h, struct json_object *job, int input, struct error *err)
{
        own_archive_layer struct archive_layer l = { .image = -1, .recipe = -1 };
        own_image_config struct image_config check = {};
        own_buf struct buf config = {};
        struct json_object *given = NULL;
        const char *name = NULL, *comment = "";
        int r = json_get_object(job, "config", &given, err);

        if (r == 0)
                r = error_set(err, EINVAL, "config: missing");
        if (r > 0)
                r = json_get_string(job, "name", &name, err);
        if (r >= 0)
                r = json_get_string(job, "comment", &comment, err);
        if (r >= 0)
                r = archive_add_layer(h, input, UINT64_MAX, &l, err);
        if (r >= 0)
                r = write_config(given, comment, &l.diff_id, &config, err);
        if (r >= 0)
                r = image_config_read(config.data, config.len, &check, err);
        return r < 0 ? r : add_image(h, &l, &config, name, err);
}
