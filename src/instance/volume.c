/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/grow.h"
#include "base/own.h"
#include "container/container.h"
#include "instance/instance_mounts.h"
#include "instance/volume_options.h"
#include "sys/fd.h"

void volumes_finish(struct volumes *v)
{
        free(v->items);
        arena_finish(&v->arena);
        *v = (struct volumes){};
}

/* Without slashes that say nothing. */
static char *clean(struct arena *a, const char *path)
{
        char *copy = arena_strdup(a, path), *out = copy;

        if (!copy)
                return NULL;
        for (const char *p = copy; *p; p++) {
                if (*p == '/' && (p[1] == '/' || (!p[1] && p != copy)))
                        continue;
                *out++ = *p;
        }
        *out = '\0';
        return copy;
}

int volumes_add(struct volumes *v, const char *source, const char *destination, const char *type, const char *options,
                struct error *err)
{
        struct volume item = { .source = arena_strdup(&v->arena, source),
                               .destination = clean(&v->arena, destination),
                               .type = arena_strdup(&v->arena, type),
                               .options = arena_strdup(&v->arena, options) };

        if (*destination != '/')
                return error_set(err, EINVAL, "mount at \"%s\": no absolute path", destination);
        if (!item.source || !item.destination || !item.type || !item.options ||
            array_grow(&v->items, &v->cap, v->n + 1, sizeof *v->items) < 0)
                return error_set(err, ENOMEM, "out of memory");
        if (strcmp(item.destination, "/") == 0)
                return error_set(err, EINVAL, "nothing can be mounted at /");
        if (volumes_has(v, item.destination))
                return error_set(err, EINVAL, "two mounts at %s", item.destination);
        v->items[v->n++] = item;
        return 0;
}

bool volumes_has(const struct volumes *v, const char *destination)
{
        for (size_t i = 0; i < v->n; i++) {
                if (strcmp(v->items[i].destination, destination) == 0)
                        return true;
        }
        return false;
}

/* ---- -v ---- */

/* is_ours: of a volume. */
static int add_source(struct volumes *v, const char *source, const char *destination, const char *options, bool make,
                      bool is_ours, struct error *err)
{
        own_buf struct buf translated = {};
        own_mem char *real = NULL;
        const char *idmap;
        int r;

        if (*source != '/' && *source != '.')
                return error_set(err, ENOTSUP, "\"%s\" is no path", source);
        r = volume_options_of_bind(options, &translated, &idmap, err);
        if (r < 0)
                return r;
        if (make && !v->makes_nothing && *source == '/' && (r = fd_mkdir_all(source, 0755)) < 0 && r != -EEXIST &&
            r != -ENOTDIR)
                return error_errno(err, -r, "make %s", source);
        real = realpath(source, NULL);
        if (!real && errno == ENOENT && make && v->makes_nothing)
                real = strdup(source);
        if (!real)
                return error_errno(err, errno, "mount %s", source);
        if (v->idmapped && is_ours)
                buf_add_str(&translated, ",idmap");
        r = buf_failed(&translated) ? error_set(err, ENOMEM, "out of memory")
                                    : volumes_add(v, real, destination, "bind", buf_str(&translated), err);
        if (r < 0 || !idmap)
                return r;
        v->items[v->n - 1].idmap = arena_strdup(&v->arena, idmap);
        return v->items[v->n - 1].idmap ? 0 : error_set(err, ENOMEM, "out of memory");
}

int volumes_add_source(struct volumes *v, const char *source, const char *destination, const char *options, bool make,
                       struct error *err)
{
        return add_source(v, source, destination, options, make, false, err);
}

int volumes_add_bind(struct volumes *v, const char *text, struct error *err)
{
        own_mem char *copy = strdup(text);
        char *destination, *options;
        struct stat st;
        int r;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        destination = strchr(copy, ':');
        if (!destination)
                return error_set(err, EINVAL, "volume \"%s\" has no source", text);
        *destination++ = '\0';
        options = strchr(destination, ':');
        if (options)
                *options++ = '\0';
        r = volumes_add_source(v, copy, destination, options ? options : "", stat(copy, &st) < 0, err);
        return r < 0 ? error_wrap(err, "volume \"%s\"", text) : 0;
}

/* ---- --tmpfs ---- */

int volumes_add_tmpfs(struct volumes *v, const char *text, struct error *err)
{
        own_mem char *copy = strdup(text);
        own_buf struct buf options = {};
        char *given;
        int r;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        given = strchr(copy, ':');
        if (given)
                *given++ = '\0';
        r = volume_options_of_tmpfs(given ? given : "", &options, err);
        if (r == 0)
                r = volumes_add(v, "tmpfs", copy, "tmpfs", buf_str(&options), err);
        return r < 0 ? error_wrap(err, "--tmpfs \"%s\"", text) : 0;
}

/* ---- what was settled ---- */

/* number: of those that are given. */
static int add_given(struct volumes *v, const struct instance_mount *m, size_t number, struct error *err)
{
        own_buf struct buf options = {};
        const char *ignored;
        char name[32];
        int r = volume_options_of_bind(m->options, &options, &ignored, err);

        if (v->idmapped && !m->image)
                buf_add_str(&options, ",idmap");
        snprintf(name, sizeof name, CONTAINER_GIVEN "%zu", number);
        return r < 0 ? r
                     : volumes_add(v, v->makes_nothing ? m->source : name, m->destination, "bind", buf_str(&options),
                                   err);
}

static int add_settled(struct volumes *v, const struct instance_mount *m, size_t *given, struct error *err)
{
        int r = instance_mount_is_given(m) ? add_given(v, m, (*given)++, err)
                                           : add_source(v, m->source, m->destination, m->options, v->makes_nothing,
                                                        strcmp(m->type, "volume") == 0, err);

        return r < 0 ? error_wrap(err, "%s \"%s\"", m->type, m->name ? m->name : m->source) : 0;
}

static int add_each_settled(struct volumes *v, const struct instance_mounts *m, struct error *err)
{
        size_t given = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < m->n; i++)
                r = add_settled(v, &m->items[i], &given, err);
        return r;
}

static int add_all_settled(struct volumes *v, const char *path, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        own_fd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? error_errno(err, errno, "%s", path) : instance_mounts_load(dir, &m, err);

        return r == 0 ? add_each_settled(v, &m, err) : r;
}

static int add_own(struct volumes *v, const struct instance_options *o, struct error *err)
{
        int r = 0;

        for (const char *const *text = o->volume; r == 0 && text && *text; text++)
                r = instance_mount_is_path(*text) ? volumes_add_bind(v, *text, err) : 0;
        for (const char *const *text = o->mount; r == 0 && text && *text; text++)
                r = instance_mount_is_volume(*text) ? 0 : volumes_add_mount(v, *text, err);
        return r;
}

int volumes_add_planned(struct volumes *v, const struct instance_options *o, const struct instance_mounts *planned,
                        struct error *err)
{
        int r = add_own(v, o, err);

        return r == 0 ? add_each_settled(v, planned, err) : r;
}

int volumes_add_instance(struct volumes *v, const struct instance_options *o, const char *dir, struct error *err)
{
        int r = add_own(v, o, err);

        if (r == 0 && (o->volume || o->mount || o->volumes_from || o->image_volume))
                r = add_all_settled(v, dir, err);
        return r;
}

/* ---- mounts[] ---- */

static size_t depth(const char *path)
{
        size_t n = 0;

        for (; *path; path++)
                n += *path == '/';
        return n;
}

static int by_depth(const void *a, const void *b)
{
        const struct volume *x = a, *y = b;
        size_t dx = depth(x->destination), dy = depth(y->destination);

        return dx == dy ? strcmp(x->destination, y->destination) : (dx > dy) - (dx < dy);
}

static void write_options(const char *options, struct json_writer *w)
{
        char word[PATH_MAX];

        json_begin_array(w, "options");
        while (*options) {
                size_t n = strcspn(options, ",");

                if (n < sizeof word) {
                        memcpy(word, options, n);
                        word[n] = '\0';
                        json_write_string(w, NULL, word);
                }
                options += n + (options[n] == ',');
        }
        json_end_array(w);
}

void volumes_write(struct volumes *v, struct json_writer *w)
{
        if (v->n)
                qsort(v->items, v->n, sizeof *v->items, by_depth);
        for (size_t i = 0; i < v->n; i++) {
                json_begin_object(w, NULL);
                json_write_string(w, "destination", v->items[i].destination);
                json_write_string(w, "type", v->items[i].type);
                json_write_string(w, "source", v->items[i].source);
                write_options(v->items[i].options, w);
                if (v->items[i].idmap)
                        volume_options_write_idmap(v->items[i].idmap, w);
                json_end_object(w);
        }
}
