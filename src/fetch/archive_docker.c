/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/archive_docker.h"

#include <errno.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/image_manifest.h"

enum { MAX_IMAGES = 1000, MAX_NAMES = 1000 };

static int read_strings(struct docker_archive *d, struct json_object *o, const char *key, size_t max, const char ***ret,
                        size_t *ret_n, struct error *err)
{
        struct json_object *list = NULL;
        int r = json_get_array(o, key, &list, err);
        size_t n = r > 0 ? json_array_size(list) : 0;

        if (r < 0)
                return r;
        if (n > max)
                return error_set(err, E2BIG, "%s: more than %zu", key, max);
        *ret = arena_alloc(&d->arena, n + 1, sizeof **ret);
        if (!*ret)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < n; i++) {
                (*ret)[i] = json_string_value(json_array_item(list, i));
                if (!(*ret)[i])
                        return error_set(err, EINVAL, "%s[%zu]: not a string", key, i);
        }
        *ret_n = n;
        return 0;
}

static int read_image(struct docker_archive *d, struct json_object *o, struct docker_image *ret, struct error *err)
{
        int r;

        if (!json_is_object(o))
                return error_set(err, EINVAL, "not an object");
        r = json_get_string(o, "Config", &ret->config, err);
        if (r == 0)
                return error_set(err, EINVAL, "Config: missing");
        if (r > 0)
                r = read_strings(d, o, "Layers", MANIFEST_MAX_LAYERS, &ret->layers, &ret->n_layers, err);
        return r < 0 ? r : read_strings(d, o, "RepoTags", MAX_NAMES, &ret->names, &ret->n_names, err);
}

int docker_archive_read(const char *text, size_t len, struct docker_archive *ret, struct error *err)
{
        own_docker_archive struct docker_archive d = {};
        int r = json_parse(text, len, &d.json, err);

        if (r < 0)
                return r;
        if (!json_is_array(d.json))
                return error_set(err, EINVAL, "not a list of images");
        d.n_images = json_array_size(d.json);
        if (d.n_images > MAX_IMAGES)
                return error_set(err, E2BIG, "more than %d images", MAX_IMAGES);
        d.images = arena_alloc(&d.arena, d.n_images + 1, sizeof *d.images);
        if (!d.images)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < d.n_images; i++) {
                r = read_image(&d, json_array_item(d.json, i), &d.images[i], err);
                if (r < 0)
                        return error_wrap(err, "[%zu]", i);
        }
        *ret = d;
        d = (struct docker_archive){};
        return 0;
}

void docker_archive_finish(struct docker_archive *d)
{
        json_put(d->json);
        arena_finish(&d->arena);
        *d = (struct docker_archive){};
}
