/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image_manifest.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/spec_parse.h"

static int platform_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct platform *p = ret;
        int r = read_string(o, "os", &p->os, err);

        if (r == 0)
                r = read_string(o, "architecture", &p->architecture, err);
        if (r == 0)
                r = read_string(o, "variant", &p->variant, err);
        return r == 0 ? read_string(o, "os.version", &p->os_version, err) : r;
}

static int size_read(struct json_object *o, uint64_t *ret, struct error *err)
{
        int r = json_get_u64(o, "size", ret, err);

        if (r == 0)
                return error_set(err, EINVAL, "size: missing");
        return r > 0 && *ret > INT64_MAX ? error_set(err, EINVAL, "size: %llu is too large", (unsigned long long)*ret)
                                         : (r < 0 ? r : 0);
}

static int descriptor_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct descriptor *d = ret;
        const char *digest = "";
        struct str_list urls = {};
        int r;

        d->media_type = "";
        d->platform = (struct platform){ "", "", "", "" };
        r = read_string(o, "mediaType", &d->media_type, err);
        if (r == 0)
                r = read_required(o, "digest", &digest, err);
        if (r == 0 && digest_parse(digest, &d->digest, err) < 0)
                r = at_member(err, "digest");
        if (r == 0)
                r = size_read(o, &d->size, err);
        if (r == 0)
                r = read_object(a, o, "platform", platform_read, &d->platform, err);
        if (r == 0)
                r = read_str_list(a, o, "urls", &urls, err);
        d->urls = urls.n ? urls.v : NULL;
        if (r == 0 && json_get_object(o, "annotations", &d->annotations, err) < 0)
                r = -err->code;
        return r;
}

/* What the members say, where mediaType is missing (it was optional before image-spec 1.1). */
static const char *shape(struct json_object *o)
{
        struct json_object *list;

        if (json_get_array(o, "manifests", &list, NULL) == 1)
                return MEDIA_TYPE_OCI_INDEX;
        return json_get_array(o, "layers", &list, NULL) == 1 && json_get_object(o, "config", &list, NULL) == 1
                       ? MEDIA_TYPE_OCI_MANIFEST
                       : "";
}

/*
 * A document that can be read as a manifest and as an index is refused, and so is one that is not what the server
 * called it (CVE-2021-41190).
 */
static int kind_of(struct json_object *o, const char *told, const char **ret, struct error *err)
{
        const char *own = NULL, *by_shape = shape(o);
        struct json_object *list;
        int r = read_string(o, "mediaType", &own, err);

        if (r < 0)
                return r;
        if (json_get_array(o, "manifests", &list, NULL) == 1 &&
            (json_get_array(o, "layers", &list, NULL) == 1 || json_get_object(o, "config", &list, NULL) == 1))
                return error_set(err, EINVAL, "the document is both a manifest and an index");
        if (told && media_type_of(told, NULL) == MEDIA_OTHER)
                told = NULL;
        if (own && *own && told && strcmp(own, told) != 0)
                return error_set(err, EINVAL, "the document calls itself %.100s, the server %.100s", own, told);
        *ret = own && *own ? own : told ? told : by_shape;
        if (*by_shape && media_type_of(*ret, NULL) != media_type_of(by_shape, NULL))
                return error_set(err, EINVAL, "the document is called %.100s but looks like %s", *ret, by_shape);
        return 0;
}

static int parse(const char *text, size_t len, struct json_object **ret, struct error *err)
{
        int r;

        if (len > MANIFEST_MAX)
                return error_set(err, EFBIG, "the document has %zu bytes, more than %d", len, MANIFEST_MAX);
        r = json_parse(text, len, ret, err);
        if (r == 0 && !json_is_object(*ret))
                return error_set(err, EINVAL, "the document is no object");
        return r;
}

enum media_type image_document_kind(const char *text, size_t len, const char *media_type)
{
        own_json struct json_object *json = NULL;
        const char *name = "";

        if (parse(text, len, &json, NULL) < 0 || kind_of(json, media_type, &name, NULL) < 0)
                return MEDIA_OTHER;
        return media_type_of(name, NULL);
}

/* The layers or the manifests: malloc'ed, at most `max`. */
static int list_read(struct json_object *o, const char *key, size_t max, struct arena *a, struct descriptor **ret,
                     size_t *ret_n, struct error *err)
{
        struct json_object *list = NULL;
        int r = json_get_array(o, key, &list, err);

        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, EINVAL, "%s: missing", key);
        if (json_array_size(list) > max)
                return error_set(err, EFBIG, "%s: %zu entries, more than %zu", key, json_array_size(list), max);
        return read_objects(a, o, key, descriptor_read, sizeof **ret, ret, ret_n, err);
}

static int check_schema(struct json_object *o, struct error *err)
{
        uint64_t version = 2;
        int r = json_get_u64(o, "schemaVersion", &version, err);

        if (r < 0)
                return r;
        if (version == 1)
                return error_set(err, EINVAL,
                                 "schemaVersion 1 is not understood; push the image again with a newer tool");
        return version == 2 ? 0 : error_set(err, EINVAL, "schemaVersion: %llu is unknown", (unsigned long long)version);
}

static int check_layers(const struct image_manifest *m, struct error *err)
{
        for (size_t i = 0; i < m->n_layers; i++) {
                const char *type = m->layers[i].media_type;

                if (media_type_of(type, NULL) != MEDIA_LAYER && media_type_of(type, NULL) != MEDIA_LAYER_FOREIGN)
                        return error_set(err, EINVAL,
                                         "layers[%zu]: media type \"%.100s\" is no layer of a root filesystem", i,
                                         type);
        }
        return 0;
}

int image_manifest_read(const char *text, size_t len, const char *media_type, struct image_manifest *ret,
                        struct error *err)
{
        struct image_manifest m = { .media_type = "" };
        int r = parse(text, len, &m.json, err);

        if (r == 0)
                r = kind_of(m.json, media_type, &m.media_type, err);
        if (r == 0 && media_type_of(m.media_type, NULL) != MEDIA_MANIFEST)
                r = error_set(err, EINVAL, "\"%.100s\" is no image manifest", m.media_type);
        if (r == 0)
                r = check_schema(m.json, err);
        if (r == 0)
                r = read_object(&m.arena, m.json, "config", descriptor_read, &m.config, err);
        if (r == 0 && !*m.config.digest.text)
                r = error_set(err, EINVAL, "config: missing");
        if (r == 0 && media_type_of(m.config.media_type, NULL) != MEDIA_CONFIG)
                r = error_set(err, EINVAL,
                              "config: media type \"%.100s\" is not an image's: an artifact of another kind",
                              m.config.media_type);
        if (r == 0)
                r = list_read(m.json, "layers", MANIFEST_MAX_LAYERS, &m.arena, &m.layers, &m.n_layers, err);
        if (r == 0)
                r = check_layers(&m, err);
        if (r < 0)
                image_manifest_finish(&m);
        else
                *ret = m;
        return r;
}

void image_manifest_finish(struct image_manifest *m)
{
        json_put(m->json);
        arena_finish(&m->arena);
        *m = (struct image_manifest){};
}

int image_index_read(const char *text, size_t len, const char *media_type, struct image_index *ret, struct error *err)
{
        struct image_index i = { .media_type = "" };
        int r = parse(text, len, &i.json, err);

        if (r == 0)
                r = kind_of(i.json, media_type, &i.media_type, err);
        if (r == 0 && media_type_of(i.media_type, NULL) != MEDIA_INDEX)
                r = error_set(err, EINVAL, "\"%.100s\" is no image index", i.media_type);
        if (r == 0)
                r = check_schema(i.json, err);
        if (r == 0)
                r = list_read(i.json, "manifests", MANIFEST_MAX_ENTRIES, &i.arena, &i.manifests, &i.n_manifests, err);
        if (r < 0)
                image_index_finish(&i);
        else
                *ret = i;
        return r;
}

void image_index_finish(struct image_index *i)
{
        json_put(i->json);
        arena_finish(&i->arena);
        *i = (struct image_index){};
}

static void write_descriptor(struct json_writer *w, const char *key, const struct descriptor *d)
{
        json_begin_object(w, key);
        json_write_string(w, "mediaType", d->media_type);
        json_write_string(w, "digest", d->digest.text);
        json_write_u64(w, "size", d->size);
        json_end_object(w);
}

void image_manifest_write(struct buf *out, const struct descriptor *config, const struct descriptor *layers, size_t n)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_u64(&w, "schemaVersion", 2);
        json_write_string(&w, "mediaType", MEDIA_TYPE_OCI_MANIFEST);
        write_descriptor(&w, "config", config);
        json_begin_array(&w, "layers");
        for (size_t i = 0; i < n; i++)
                write_descriptor(&w, NULL, &layers[i]);
        json_end_array(&w);
        json_end_object(&w);
}
