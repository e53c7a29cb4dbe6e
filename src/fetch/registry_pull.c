/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_pull.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "fetch/operation.h"
#include "oci/reference.h"

enum {
        MAX_INDEXES = 3, /* in one another */
        USUAL_PARALLEL = 3,
};

/* An image with what led to it. */
struct image {
        struct document indexes[MAX_INDEXES];
        size_t n_indexes;
        struct document document; /* the manifest */
        struct image_manifest manifest;
        struct buf config_text;
        struct image_config config;
};

static void image_finish(struct image *i)
{
        for (size_t n = 0; n < i->n_indexes; n++)
                document_finish(&i->indexes[n]);
        image_config_finish(&i->config);
        image_manifest_finish(&i->manifest);
        document_finish(&i->document);
        buf_finish(&i->config_text);
}
#define own_image __attribute__((cleanup(image_finish)))

/* --- documents, from the first place that has them --- */

struct manifest_request {
        const char *tag_or_digest;
        struct document *ret;
};

static int try_manifest(void *userdata, struct registry *r, struct http *http, struct error *err)
{
        struct manifest_request *q = userdata;

        return registry_get_manifest(r, http, q->tag_or_digest, q->ret, err);
}

static int get_manifest(struct pull *p, const char *tag_or_digest, struct document *ret, struct error *err)
{
        struct manifest_request q = { tag_or_digest, ret };

        return sources_try(p->sources, p->http, try_manifest, &q, err);
}

struct config_request {
        const struct descriptor *config;
        struct buf *ret;
};

static int try_config(void *userdata, struct registry *r, struct http *http, struct error *err)
{
        struct config_request *q = userdata;

        return registry_get_small_blob(r, http, &q->config->digest, q->config->size, q->ret, err);
}

/* NULL when the server's word is of no use. */
static const char *media_type(const struct document *d)
{
        return *d->media_type ? d->media_type : NULL;
}

/* --- index and manifest --- */

static int no_platform(const struct image_index *index, const struct platform *p, struct error *err)
{
        own_buf struct buf have = {};

        for (size_t i = 0; i < index->n_manifests && have.len < 200; i++) {
                const struct platform *o = &index->manifests[i].platform;

                if (*o->os && strcmp(o->os, "unknown") != 0)
                        buf_addf(&have, "%s%s/%s%s%s", have.len ? ", " : "", o->os, o->architecture,
                                 *o->variant ? "/" : "", o->variant);
        }
        return error_set(err, ENOENT, "there is no image for %s/%s%s%s%s%s", p->os, p->architecture,
                         *p->variant ? "/" : "", p->variant, have.len ? ", only for " : "", buf_str(&have));
}

/* The digest and size of the document that the index has for the platform. */
static int choose(struct pull *p, const struct document *d, struct digest *ret, uint64_t *ret_size, struct error *err)
{
        own_image_index struct image_index index = {};
        const struct descriptor *chosen;
        int r = image_index_read(buf_str(&d->text), d->text.len, media_type(d), &index, err);

        if (r < 0)
                return r;
        chosen = image_index_find(&index, &p->platform);
        if (!chosen)
                return no_platform(&index, &p->platform, err);
        *ret = chosen->digest;
        *ret_size = chosen->size;
        return 0;
}

/* i->document is an index: the next one takes its place. */
static int step_into(struct pull *p, struct image *i, struct error *err)
{
        struct digest digest;
        uint64_t size = 0;
        int r;

        if (i->n_indexes == MAX_INDEXES)
                return error_set(err, ELOOP, "more than %d indexes in one another", MAX_INDEXES);
        r = choose(p, &i->document, &digest, &size, err);
        if (r < 0)
                return r;
        i->indexes[i->n_indexes++] = i->document;
        i->document = (struct document){};
        r = get_manifest(p, digest.text, &i->document, err);
        if (r == 0 && i->document.text.len != size)
                r = error_set(err, EBADMSG, "manifest %s has not the size that its index says", digest.text);
        return r;
}

static int find_manifest(struct pull *p, const char *tag_or_digest, struct image *i, struct error *err)
{
        const struct document *d = &i->document;
        int r = get_manifest(p, tag_or_digest, &i->document, err);

        while (r == 0 && image_document_kind(buf_str(&d->text), d->text.len, media_type(d)) == MEDIA_INDEX)
                r = step_into(p, i, err);
        if (r == 0)
                r = image_manifest_read(buf_str(&d->text), d->text.len, media_type(d), &i->manifest, err);
        return r;
}

static int check_layers(const struct image *i, struct error *err)
{
        if (i->config.n_diff_ids != i->manifest.n_layers)
                return error_set(err, EBADMSG, "the manifest has %zu layers, its configuration %zu",
                                 i->manifest.n_layers, i->config.n_diff_ids);
        for (size_t n = 0; n < i->manifest.n_layers; n++) {
                const char *type = i->manifest.layers[n].media_type;
                enum media_type kind = media_type_of(type, NULL);

                if (kind != MEDIA_LAYER && kind != MEDIA_LAYER_FOREIGN)
                        return error_set(err, ENOTSUP, "layer %zu is a \"%.100s\"", n + 1, type);
        }
        return 0;
}

static int get_config(struct pull *p, struct image *i, struct error *err)
{
        struct config_request q = { &i->manifest.config, &i->config_text };
        int r;

        if (media_type_of(q.config->media_type, NULL) != MEDIA_CONFIG)
                return error_set(err, ENOTSUP, "this is no image, but a \"%.100s\"", q.config->media_type);
        r = sources_try(p->sources, p->http, try_config, &q, err);
        if (r == 0)
                r = image_config_read(buf_str(&i->config_text), i->config_text.len, &i->config, err);
        return r < 0 ? r : check_layers(i, err);
}

/* --- handing over --- */

static int add_document(struct pull *p, const struct document *d, const char *type, struct error *err)
{
        return host_add_blob(p->host, &d->digest, type, buf_str(&d->text), d->text.len, err);
}

static int tell_result(struct pull *p, const struct image *i, const char *name, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        if (name)
                json_write_string(&w, "name", name);
        json_write_string(&w, "digest", (i->n_indexes ? &i->indexes[0] : &i->document)->digest.text);
        json_write_string(&w, "manifest", i->document.digest.text);
        json_write_string(&w, "id", i->manifest.config.digest.text);
        json_end_object(&w);
        return buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : host_result(p->host, buf_str(&text), err);
}

/* The digest that the registry knows a tag by is a name of the image, too: that of the index, where there is one. */
static int add_image(struct pull *p, const struct image *i, const char *name, struct error *err)
{
        own_buf struct buf full = {};

        if (!name || !i->n_indexes || strchr(name, '@'))
                return host_add_image(p->host, &i->document.digest, name, err);
        buf_addf(&full, "%s@%s", name, i->indexes[0].digest.text);
        if (buf_failed(&full))
                return error_set(err, ENOMEM, "out of memory");
        return host_add_image(p->host, &i->document.digest, buf_str(&full), err);
}

static int hand_over(struct pull *p, const struct image *i, const char *name, struct error *err)
{
        const struct descriptor *config = &i->manifest.config;
        int r = host_add_blob(p->host, &config->digest, config->media_type, buf_str(&i->config_text),
                              i->config_text.len, err);

        if (r == 0)
                r = add_document(p, &i->document, i->manifest.media_type, err);
        for (size_t n = 0; n < i->n_indexes && r == 0; n++)
                r = add_document(p, &i->indexes[n],
                                 *i->indexes[n].media_type ? i->indexes[n].media_type : MEDIA_TYPE_OCI_INDEX, err);
        if (r == 0)
                r = add_image(p, i, name, err);
        return r < 0 ? r : tell_result(p, i, name, err);
}

static void warn_of_platform(struct pull *p, const struct image *i)
{
        const struct platform *has = &i->config.platform;

        if (*has->os && *has->architecture &&
            (strcmp(has->os, p->platform.os) != 0 || strcmp(has->architecture, p->platform.architecture) != 0))
                host_warning(p->host, "the image is for %.50s/%.50s, not for %s/%s", has->os, has->architecture,
                             p->platform.os, p->platform.architecture);
}

static int pull_image(struct pull *p, const char *tag_or_digest, const char *name, struct error *err)
{
        own_image struct image i = {};
        int r = find_manifest(p, tag_or_digest, &i, err);

        if (r == 0)
                r = get_config(p, &i, err);
        if (r < 0)
                return r;
        warn_of_platform(p, &i);
        r = pull_layers(p, &i.manifest, &i.config, err);
        return r < 0 ? r : hand_over(p, &i, name, err);
}

/* --- all tags --- */

static int try_tags(void *userdata, struct registry *r, struct http *http, struct error *err)
{
        return registry_get_tags(r, http, userdata, err);
}

/* The name that the tag's image is kept under. */
static int pull_tag(struct pull *p, const struct reference *ref, const char *tag, struct error *err)
{
        own_buf struct buf text = {}, name = {};
        struct reference tagged;
        int r;

        reference_add_name(&text, ref);
        buf_addf(&text, ":%s", tag);
        r = buf_failed(&text) ? error_set(err, ENOMEM, "out of memory") : reference_parse(buf_str(&text), &tagged, err);
        if (r < 0)
                return r;
        reference_add(&name, &tagged);
        r = pull_image(p, tagged.tag, buf_str(&name), err);
        return r < 0 ? error_wrap(err, "%s", buf_str(&name)) : 0;
}

static int pull_all(struct pull *p, const struct reference *ref, struct error *err)
{
        own_buf struct buf tags = {};
        int r = sources_try(p->sources, p->http, try_tags, &tags, err);
        size_t n;

        for (size_t at = 0; at < tags.len && r == 0; at += n) {
                n = strlen(tags.data + at) + 1;
                r = pull_tag(p, ref, tags.data + at, err);
        }
        return r;
}

/* --- the job --- */

struct parameters {
        const char *reference, *name, *platform;
        uint32_t parallel;
        bool all_tags;
};

static int read_parameters(struct json_object *job, struct parameters *ret, struct error *err)
{
        int r = json_get_string(job, "reference", &ret->reference, err);

        if (r == 0)
                r = error_set(err, EINVAL, "reference: is missing");
        if (r >= 0)
                r = json_get_string(job, "name", &ret->name, err);
        if (r >= 0)
                r = json_get_string(job, "platform", &ret->platform, err);
        if (r >= 0)
                r = json_get_u32(job, "parallel", &ret->parallel, err);
        if (r >= 0)
                r = json_get_bool(job, "all_tags", &ret->all_tags, err);
        if (!ret->parallel)
                ret->parallel = USUAL_PARALLEL;
        return r < 0 ? r : 0;
}

int operation_pull(struct host *h, struct json_object *job, struct error *err)
{
        struct parameters wanted = {};
        char platform[128];
        own_http struct http *http = http_new(NULL);
        own_sources struct sources *sources = NULL;
        struct pull p = { .host = h, .http = http, .platform = platform_host() };
        struct reference ref = {};
        const char *what;
        int r = http ? read_parameters(job, &wanted, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = reference_parse(wanted.reference, &ref, err);
        if (r == 0 && wanted.platform)
                r = platform_parse(wanted.platform, platform, &p.platform, err);
        if (r < 0)
                return r;
        p.parallel = wanted.parallel;
        what = *ref.digest.text ? ref.digest.text : ref.tag;
        r = sources_open(h, ref.registry, ref.repository, what, &sources, err);
        if (r < 0)
                return r;
        p.sources = sources;
        return wanted.all_tags ? pull_all(&p, &ref, err) : pull_image(&p, what, wanted.name, err);
}
