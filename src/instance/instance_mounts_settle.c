/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/own.h"
#include "instance/instance_mounts_list.h"
#include "instance/volume_store.h"

/* Behind the instance's id; no snapshot is called so. */
#define MOUNTS_OWNER "/:mounts"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- of its own command line ---- */

struct settling {
        struct engine *e;
        struct instance_mounts *mounts;
        struct instance_mounts taken; /* places that are not to be had: of binds and --tmpfs */
        bool makes_nothing;
};

/* One that is not there yet would be made. */
static int look_for_volume(struct engine *e, const char *name, struct volume_info *ret, struct error *err)
{
        int r = volume_check_name(name, err);

        if (r == 0)
                r = volume_find(e, name, ret, err);
        return r == -ENOENT ? 0 : r;
}

/* NULL: an anonymous one. It is made now only if it has a name, as with Docker. */
static int add_volume(struct settling *s, const struct mount_words *w, struct error *err)
{
        own_volume_info struct volume_info v = {};
        char invented[INSTANCE_ID_LEN + 1], *path;
        const char *name = w->source ? w->source : invented;
        struct arena *a = &s->mounts->arena;
        struct volume_driver driver;
        size_t size;
        int r = volume_driver_read(w->driver, &driver, err);

        if (r < 0)
                return r;
        if (driver.type && !w->source)
                return error_set(err, EINVAL, "mount at %s: a volume with volume-opt needs a source", w->destination);
        if (w->source) {
                r = s->makes_nothing ? look_for_volume(s->e, w->source, &v, err)
                                     : volume_create(s->e, w->source, w->labels, &driver, &v, err);
                if (r < 0 && r != -EEXIST)
                        return r;
        } else {
                r = volume_invent_name(invented, err);
                if (r < 0)
                        return r;
        }
        size = strlen(s->e->root) + sizeof "/volumes//_data" + strlen(name);
        path = v.path ? arena_strdup(a, v.path) : arena_alloc(a, size, 1);
        if (!path)
                return no_memory(err);
        if (!v.path)
                snprintf(path, size, "%s/volumes/%s/_data", s->e->root, name);
        return instance_mounts_add(s->mounts,
                                   (struct instance_mount){ .type = "volume",
                                                            .name = name,
                                                            .source = path,
                                                            .destination = w->destination,
                                                            .options = w->options,
                                                            .subpath = w->subpath,
                                                            .anonymous = !w->source || v.anonymous,
                                                            .nocopy = w->nocopy || w->subpath,
                                                            .mounted = v.driver.type },
                                   err);
}

/* It stays that image, whatever becomes of its name. */
static int add_image(struct settling *s, const struct mount_words *w, struct error *err)
{
        own_mem struct image_info *image = NULL;
        struct store *store;
        int r = engine_store(s->e, &store, err);

        if (r == 0)
                r = store_image_find(store, w->source, &image, err);
        /* It would be pulled. */
        if (r == -ENOENT && s->makes_nothing)
                r = 0;
        if (r < 0 || (!image && !s->makes_nothing))
                return error_wrap(err, "mount at %s", w->destination);
        return instance_mounts_add(s->mounts,
                                   (struct instance_mount){ .type = "image",
                                                            .source = w->source,
                                                            .image = image ? image->id.text : NULL,
                                                            .subpath = w->subpath,
                                                            .destination = w->destination,
                                                            .options = "ro" },
                                   err);
}

static int add_words(struct settling *s, const struct mount_words *w, struct error *err)
{
        if (strcmp(w->type, "volume") == 0)
                return add_volume(s, w, err);
        return strcmp(w->type, "image") == 0 ? add_image(s, w, err) : 0;
}

static int take_place(struct instance_mounts *taken, const char *destination, struct error *err)
{
        return instance_mounts_has(taken, destination)
                       ? 0
                       : instance_mounts_add(
                                 taken,
                                 (struct instance_mount){ .type = "", .destination = destination, .options = "" }, err);
}

static int settle_word(void *userdata, const struct mount_words *w, struct error *err)
{
        struct settling *s = userdata;
        int r = take_place(&s->taken, w->destination, err);

        return r == 0 ? add_words(s, w, err) : r;
}

static int take_tmpfs(struct settling *s, const struct instance_options *o, struct error *err)
{
        for (const char *const *text = o->tmpfs; text && *text; text++) {
                own_mem char *destination = strndup(*text, strcspn(*text, ":"));
                int r = destination ? take_place(&s->taken, destination, err) : no_memory(err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- of others ---- */

static int inherit(struct settling *s, const char *text, struct error *err)
{
        own_mem char *name = strdup(text);
        own_instance_mounts struct instance_mounts theirs = {};
        own_instance struct instance *other = NULL;
        char *mode = name ? strchr(name, ':') : NULL;
        int r;

        if (!name)
                return no_memory(err);
        if (mode)
                *mode++ = '\0';
        if (mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0 && strcmp(mode, "z") != 0 &&
            strcmp(mode, "Z") != 0)
                return error_set(err, EINVAL, "\"%s\" is none of ro, rw, z and Z", mode);
        r = instance_find(s->e, name, &other, err);
        if (r == 0)
                r = instance_mounts_all(other, &theirs, err);
        for (size_t i = 0; r == 0 && i < theirs.n; i++) {
                struct instance_mount m = theirs.items[i];
                own_buf struct buf options = {};

                if (instance_mounts_has(&s->taken, m.destination) || instance_mounts_has(s->mounts, m.destination))
                        continue;
                buf_addf(&options, "%s%s%s", m.options, mode && *m.options ? "," : "", mode ? mode : "");
                m.options = buf_str(&options);
                r = buf_failed(&options) ? no_memory(err) : instance_mounts_add(s->mounts, m, err);
        }
        return r;
}

/* ---- all ---- */

static int settle(struct settling *s, const struct instance_options *o, struct error *err)
{
        int r = take_tmpfs(s, o, err);

        if (r == 0)
                r = instance_mounts_words(o, settle_word, s, err);
        for (const char *const *text = o->volumes_from; r == 0 && text && *text; text++) {
                r = inherit(s, *text, err);
                if (r < 0)
                        error_wrap(err, "--volumes-from \"%s\"", *text);
        }
        for (const char *const *path = o->image_volume; r == 0 && path && *path; path++) {
                const struct mount_words w = { .type = "volume", .destination = *path, .options = "" };

                if (**path == '/' && !instance_mounts_has(&s->taken, *path) && !instance_mounts_has(s->mounts, *path))
                        r = add_words(s, &w, err);
        }
        return r;
}

static void write_mount(struct json_writer *w, const struct instance_mount *m)
{
        json_begin_object(w, NULL);
        json_write_string(w, "type", m->type);
        if (m->name)
                json_write_string(w, "name", m->name);
        json_write_string(w, "source", m->source);
        json_write_string(w, "destination", m->destination);
        json_write_string(w, "options", m->options);
        if (m->image)
                json_write_string(w, "image", m->image);
        if (m->subpath)
                json_write_string(w, "subpath", m->subpath);
        if (m->anonymous)
                json_write_bool(w, "anonymous", true);
        if (m->nocopy)
                json_write_bool(w, "nocopy", true);
        if (m->mounted)
                json_write_bool(w, "mounted", true);
        json_end_object(w);
}

static int hold_image(struct engine *e, const struct instance *i, const char *id, struct error *err)
{
        own_mem struct image_info *image = NULL;
        char owner[INSTANCE_ID_LEN + sizeof MOUNTS_OWNER];
        struct store *store;
        int r = engine_store(e, &store, err);

        snprintf(owner, sizeof owner, "%s" MOUNTS_OWNER, i->id);
        if (r == 0)
                r = store_image_find(store, id, &image, err);
        return r < 0 || !image ? r : store_image_hold(store, &image->id, owner, err);
}

/* Before they are written down: whoever is killed between has at worst an image held for nobody (system check). */
static int hold_images(struct engine *e, const struct instance *i, const struct instance_mounts *m, struct error *err)
{
        int r = 0;

        for (size_t k = 0; r == 0 && k < m->n; k++)
                r = m->items[k].image ? hold_image(e, i, m->items[k].image, err) : 0;
        return r;
}

bool instance_mounts_hold(const struct instance_options *o)
{
        for (const char *const *text = o->mount; text && *text; text++) {
                if (strstr(*text, "image"))
                        return true;
        }
        return o->volumes_from;
}

static int save(struct instance *i, const struct instance_mounts *m, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        json_begin_object(&w, NULL);
        json_begin_array(&w, "mounts");
        for (size_t k = 0; k < m->n; k++)
                write_mount(&w, &m->items[k]);
        json_end_array(&w);
        json_end_object(&w);
        return buf_failed(&text) ? no_memory(err)
                                 : instance_write_file(i, INSTANCE_MOUNTS_FILE, text.data, text.len, err);
}

int instance_mounts_settle(struct engine *e, struct instance *i, struct error *err)
{
        const struct instance_options *o = &i->options;
        own_instance_mounts struct instance_mounts m = {};
        struct settling s = { .e = e, .mounts = &m };
        int r;

        if (!o->volume && !o->mount && !o->volumes_from && !o->image_volume)
                return 0;
        r = settle(&s, o, err);
        instance_mounts_finish(&s.taken);
        if (r == 0)
                r = hold_images(e, i, &m, err);
        return r < 0 || !m.n ? r : save(i, &m, err);
}

int instance_mounts_plan(struct engine *e, const struct instance *i, struct instance_mounts *ret, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        struct settling s = { .e = e, .mounts = &m, .makes_nothing = true };
        int r = settle(&s, &i->options, err);

        instance_mounts_finish(&s.taken);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct instance_mounts){};
        return 0;
}
