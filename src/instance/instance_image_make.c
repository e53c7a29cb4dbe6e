/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_image_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "base/rfc3339.h"
#include "instance/backend.h"
#include "instance/freeze.h"
#include "instance/instance_record.h"
#include "instance/instance_root.h"
#include "instance/vm_capture.h"
#include "instance/vm_guest.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"
#include "store/layer_capture.h"
#include "sys/fd.h"

/* Of the configuration: a member that no specification has. */
#define INTERNAL "holt.internal"

void image_made_finish(struct image_made *m)
{
        if (m->pin >= 0)
                close(m->pin);
        m->pin = -1;
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- the layer ---- */

static int capture_upper(struct engine *e, struct instance *i, struct store *store, struct layer_captured *ret,
                         struct error *err)
{
        own_fd int upper = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const struct tar_tree_options o = { .dir = upper, .name = ".", .as = ".", .overlay = true, .stable = true };

        if (upper < 0)
                return error_errno(err, errno, "open what the instance has written");
        return layer_capture(store, &o, ret, err);
}

static int capture_all(struct engine *e, struct instance *i, struct store *store, struct layer_captured *ret,
                       struct error *err)
{
        own_instance_root struct instance_root root = INSTANCE_ROOT_NONE;
        struct tar_tree_options o = { .name = ".", .as = ".", .stable = true };
        int r = instance_root_open_bare(e, i, &root, err);

        if (r < 0)
                return r;
        o.dir = root.fd;
        return layer_capture(store, &o, ret, err);
}

/* A machine that was never started has written nothing, and is as good as its image. */
static int capture(struct engine *e, struct instance *i, const struct image_making *o, struct store *store,
                   struct layer_captured *ret, struct error *err)
{
        own_freeze struct freeze frozen = FREEZE_NONE;
        bool in_guest = i->backend->is_machine && vm_guest_has_disk(i);
        int r = o->freeze && !in_guest ? freeze_begin(e, i, &frozen, err) : 0;

        if (in_guest)
                r = vm_capture(e, i, o->full, o->freeze, ret, err);
        else if (r == 0)
                r = o->full ? capture_all(e, i, store, ret, err) : capture_upper(e, i, store, ret, err);
        return r < 0 ? error_wrap(err, "what %s has become", i->name) : 0;
}

/* ---- the configuration ---- */

struct base {
        struct image_info *info;
        struct buf config_text, manifest_text;
        struct image_config config;
        struct image_manifest manifest;
};

static void base_finish(struct base *b)
{
        free(b->info);
        buf_finish(&b->config_text);
        buf_finish(&b->manifest_text);
        image_config_finish(&b->config);
        image_manifest_finish(&b->manifest);
}

static int read_base(struct store *s, const struct instance *i, struct base *b, struct error *err)
{
        int r = store_image_find(s, i->image.text, &b->info, err);

        if (r == 0)
                r = store_blob_read(s, &b->info->id, &b->config_text, err);
        if (r == 0)
                r = store_blob_read(s, &b->info->manifest, &b->manifest_text, err);
        if (r == 0)
                r = image_config_read(buf_str(&b->config_text), b->config_text.len, &b->config, err);
        if (r == 0)
                r = image_manifest_read(buf_str(&b->manifest_text), b->manifest_text.len, NULL, &b->manifest, err);
        return r < 0 ? error_wrap(err, "image of %s", i->name) : 0;
}

struct copying {
        struct json_writer *w;
        const struct image_making *o;
};

/* All but what is said anew, and what Docker tells of the container that an image was made of. */
static int copy_member(const char *key, struct json_object *value, void *userdata)
{
        static const char *const others[] = { "rootfs", "history",   "created",          "author",         INTERNAL,
                                              "id",     "container", "container_config", "docker_version", "parent" };
        const struct copying *c = userdata;

        for (size_t k = 0; k < ARRAY_SIZE(others); k++) {
                if (strcmp(key, others[k]) == 0)
                        return 0;
        }
        if (strcmp(key, "config") != 0 || !c->o->config)
                json_write_value(c->w, key, value);
        return 0;
}

static void write_history(struct json_writer *w, const struct base *b, const struct image_making *o,
                          const char *created)
{
        struct json_object *history = NULL;

        json_begin_array(w, "history");
        if (!o->full && json_get_array(b->config.json, "history", &history, NULL) > 0) {
                for (size_t k = 0; k < json_array_size(history); k++)
                        json_write_value(w, NULL, json_array_item(history, k));
        }
        json_begin_object(w, NULL);
        json_write_string(w, "created", created);
        if (o->author)
                json_write_string(w, "author", o->author);
        json_write_string(w, "created_by", o->created_by);
        if (o->comment)
                json_write_string(w, "comment", o->comment);
        json_end_object(w);
        json_end_array(w);
}

static void write_layers(struct json_writer *w, const struct base *b, const struct image_making *o,
                         const struct digest *diff_id)
{
        json_begin_object(w, "rootfs");
        json_write_string(w, "type", "layers");
        json_begin_array(w, "diff_ids");
        for (size_t k = 0; k < b->config.n_diff_ids && !o->full; k++)
                json_write_string(w, NULL, b->config.diff_ids[k].text);
        json_write_string(w, NULL, diff_id->text);
        json_end_array(w);
        json_end_object(w);
}

static int write_config(const struct base *b, const struct instance *i, const struct image_making *o,
                        const struct digest *diff_id, struct buf *out, struct error *err)
{
        struct json_writer w = { .out = out };
        struct copying c = { &w, o };
        char created[RFC3339_MAX];

        rfc3339_write(instance_now(), created);
        json_begin_object(&w, NULL);
        json_write_string(&w, "created", created);
        if (o->author || *b->config.author)
                json_write_string(&w, "author", o->author ? o->author : b->config.author);
        if (o->is_internal)
                json_write_string(&w, INTERNAL, i->id);
        if (o->comment)
                json_write_string(&w, "comment", o->comment);
        json_each(b->config.json, copy_member, &c);
        if (o->config)
                json_write_raw(&w, "config", o->config);
        write_layers(&w, b, o, diff_id);
        write_history(&w, b, o, created);
        json_end_object(&w);
        return buf_failed(out) ? no_memory(err) : 0;
}

/* ---- the image ---- */

static int add_document(struct store *s, const char *media_type, const struct buf *text, struct digest *ret,
                        struct error *err)
{
        own_fd int fd = store_new_file(s, err);
        int r;

        if (fd < 0)
                return fd;
        r = fd_write_all(fd, text->data, text->len);
        if (r < 0)
                return error_errno(err, -r, "write a document of the image");
        digest_of_bytes(text->data, text->len, ret);
        return store_blob_add(s, ret, media_type, fd, err);
}

/* Of the layers below what is known of them: their compressed forms, in the registries that have them. */
static int write_manifest(const struct base *b, const struct image_making *o, const struct descriptor *config,
                          const struct descriptor *layer, struct buf *out, struct error *err)
{
        size_t below = o->full ? 0 : b->manifest.n_layers;
        own_mem struct descriptor *layers = calloc(below + 1, sizeof *layers);

        if (!layers)
                return no_memory(err);
        if (below)
                memcpy(layers, b->manifest.layers, below * sizeof *layers);
        layers[below] = *layer;
        image_manifest_write(out, config, layers, below + 1);
        return buf_failed(out) ? no_memory(err) : 0;
}

static int add_image(struct store *s, const struct base *b, const struct instance *i, const struct image_making *o,
                     const struct layer_captured *l, struct digest *ret, struct error *err)
{
        const struct descriptor layer = { .media_type = media_type_of_layer(COMPRESSION_NONE),
                                          .digest = l->diff_id,
                                          .size = l->tar_size };
        struct descriptor config = { .media_type = MEDIA_TYPE_OCI_CONFIG };
        own_buf struct buf text = {}, manifest = {};
        struct digest digest = {};
        int r = write_config(b, i, o, &l->diff_id, &text, err);

        config.size = text.len;
        if (r == 0)
                r = add_document(s, config.media_type, &text, &config.digest, err);
        if (r == 0)
                r = write_manifest(b, o, &config, &layer, &manifest, err);
        if (r == 0)
                r = add_document(s, MEDIA_TYPE_OCI_MANIFEST, &manifest, &digest, err);
        if (r == 0)
                r = store_image_add_for(s, &digest, o->name, o->owner, err);
        if (r == 0)
                *ret = config.digest;
        return r;
}

/* One that is kept for the instance comes before its removal, which gives it back, or not at all. */
static int add_for_owner(struct engine *e, struct instance *i, struct store *store, const struct base *b,
                         const struct image_making *o, const struct layer_captured *l, struct digest *ret,
                         struct error *err)
{
        int r = instance_lock_config(e, i, err);

        if (r < 0)
                return r;
        r = add_image(store, b, i, o, l, ret, err);
        flock(i->fd, LOCK_UN);
        return r;
}

int instance_image_make(struct engine *e, struct instance *i, const struct image_making *o, struct image_made *ret,
                        struct error *err)
{
        struct layer_captured layer = { .pin = -1 };
        struct base base = {};
        struct store *store;
        int r = instance_take_rights(e, i, i->id, err);

        if (r == 0)
                r = engine_store(e, &store, err);
        if (r == 0)
                r = read_base(store, i, &base, err);
        if (r == 0 && !o->full && base.config.n_diff_ids >= MANIFEST_MAX_LAYERS)
                r = error_set(err, E2BIG, "the image of %s has %zu layers already: a full one has one", i->name,
                              base.config.n_diff_ids);
        if (r == 0)
                r = capture(e, i, o, store, &layer, err);
        if (r == 0)
                r = o->owner ? add_for_owner(e, i, store, &base, o, &layer, &ret->id, err)
                             : add_image(store, &base, i, o, &layer, &ret->id, err);
        base_finish(&base);
        if (r < 0) {
                if (layer.pin >= 0)
                        close(layer.pin);
                return r;
        }
        ret->pin = layer.pin;
        return 0;
}

/* ---- internal ones ---- */

bool image_is_internal(const char *config, size_t len)
{
        own_json struct json_object *obj = NULL;
        const char *id;

        return json_parse(config, len, &obj, NULL) == 0 && json_is_object(obj) &&
               json_get_string(obj, INTERNAL, &id, NULL) > 0;
}

int image_drop_internal(struct engine *e, const struct digest *id, struct error *err)
{
        own_mem struct image_info *info = NULL;
        own_buf struct buf text = {};
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = store_image_find(store, id->text, &info, err);
        if (r == 0 && *info->names)
                return 0;
        if (r == 0)
                r = store_blob_read(store, id, &text, err);
        if (r < 0 || !image_is_internal(buf_str(&text), text.len))
                return r == -ENOENT ? 0 : r;
        r = store_image_remove(store, id, err);
        return r == -EBUSY || r == -ENOENT ? 0 : r;
}
