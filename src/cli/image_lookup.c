/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"
#include "registry/registries_conf.h"

int invocation_store(const struct invocation *inv, struct store **ret, struct error *err)
{
        int r = store_open(inv->root, inv->run, ret, err);

        if (r == 0)
                report_debug(inv, "the store is %s, what a boot forgets is in %s", store_root(*ret), store_run(*ret));
        return r;
}

static bool contains(const char *const *list, const char *text)
{
        for (; *list; list++)
                if (strcmp(*list, text) == 0)
                        return true;
        return false;
}

/* Whether one of the image's names is what was typed, and not its id. */
static bool is_named(const struct image_info *info, const char *typed, struct reference *ret)
{
        own_buf struct buf full = {};

        if (reference_parse(typed, ret, NULL) < 0)
                return false;
        if (*ret->digest.text) {
                /* A tag beside a digest says nothing more. */
                reference_add_name(&full, ret);
                buf_addf(&full, "@%s", ret->digest.text);
                *ret->tag = '\0';
                return contains(info->digests, buf_str(&full));
        }
        reference_add(&full, ret);
        return contains(info->names, buf_str(&full));
}

/* -ENOENT: none of the names has an image. */
static int find_by_candidates(struct store *s, const char *typed, struct image_info **ret, struct reference *ret_name)
{
        own_registries struct registries *registries = NULL;
        own_mem struct reference *names = NULL;
        struct reference ref;
        int n = reference_parse(typed, &ref, NULL), r = -ENOENT;

        if (n < 0 || ref.qualified)
                return -ENOENT;
        n = registries_load(&registries, NULL);
        if (n == 0)
                n = registries_candidates(registries, &ref, &names, NULL);
        for (int i = 0; i < n && r == -ENOENT; i++) {
                own_buf struct buf name = {};

                reference_add(&name, &names[i]);
                r = store_image_find(s, buf_str(&name), ret, NULL);
                if (r == 0 && !is_named(*ret, buf_str(&name), ret_name))
                        *ret_name = (struct reference){};
        }
        return r;
}

int image_find_named(struct store *s, const char *name, struct image_info **ret, struct reference *ret_name,
                     struct error *err)
{
        int r = store_image_find(s, name, ret, err);

        if (r == -ENOENT)
                return find_by_candidates(s, name, ret, ret_name) == 0 ? 0 : r;
        if (r == 0 && !is_named(*ret, name, ret_name))
                *ret_name = (struct reference){};
        return r;
}

int image_find(struct store *s, const char *name, struct image_info **ret, struct error *err)
{
        struct reference found;

        return image_find_named(s, name, ret, &found, err);
}

const char *image_id_text(const struct digest *id, bool whole, char ret[sizeof(struct digest)])
{
        if (whole)
                memcpy(ret, id->text, sizeof id->text);
        else
                snprintf(ret, sizeof *id, "%.*s", SHORT_ID_LENGTH, digest_hex(id));
        return ret;
}

int image_config_load(struct store *s, const struct digest *id, struct image_config *ret, struct error *err)
{
        own_buf struct buf text = {};
        int r = store_blob_read(s, id, &text, err);

        return r < 0 ? r : image_config_read(buf_str(&text), text.len, ret, err);
}

int image_config_load_json(struct store *s, const struct digest *id, struct json_object **ret, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        int r = store_blob_read(s, id, &text, err);

        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0 && !json_is_object(json))
                r = error_set(err, EBADMSG, "the configuration of image %s is no object", id->text);
        if (r == 0)
                *ret = take_ptr(json);
        return r;
}

void image_add_repository(struct buf *out, const char *name)
{
        struct reference ref;

        if (reference_parse(name, &ref, NULL) == 0)
                reference_add_short_name(out, &ref);
        else
                buf_add_str(out, name);
}

void image_add_short_name(struct buf *out, const char *name)
{
        struct reference ref;

        if (reference_parse(name, &ref, NULL) < 0) {
                buf_add_str(out, name);
                return;
        }
        reference_add_short_name(out, &ref);
        if (*ref.tag && !*ref.digest.text)
                buf_addf(out, ":%s", ref.tag);
        if (*ref.digest.text)
                buf_addf(out, "@%s", ref.digest.text);
}

/* store_image_find() is the one that hands out copies. */
static int collect_id(void *userdata, const struct image_info *info)
{
        struct buf *ids = userdata;

        buf_add(ids, &info->id, sizeof info->id);
        return 0;
}

int image_list_all(struct store *s, struct image_list *ret, struct error *err)
{
        own_image_list struct image_list l = {};
        own_buf struct buf ids = {};
        int r = store_images(s, collect_id, &ids, err);

        if (r == 0 && buf_failed(&ids))
                r = error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; r == 0 && i < ids.len / sizeof(struct digest); i++) {
                const struct digest *id = (const struct digest *)(const void *)(ids.data + i * sizeof *id);

                if (array_grow(&l.items, &l.cap, l.n + 1, sizeof(struct image_info *)) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                r = store_image_find(s, id->text, &l.items[l.n], err);
                if (r == 0)
                        l.n++;
                else if (r == -ENOENT)
                        r = 0; /* another process removed it */
        }
        if (r < 0)
                return r;
        *ret = l;
        l.items = NULL;
        l.n = 0;
        return 0;
}

void image_list_finish(struct image_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i]);
        free(l->items);
        *l = (struct image_list){};
}
