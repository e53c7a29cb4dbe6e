/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/grow.h"
#include "base/own.h"
#include "instance/instance_mounts.h"
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

static bool is_one_of(const char *word, const char *const *words)
{
        for (; *words; words++) {
                if (strcmp(word, *words) == 0)
                        return true;
        }
        return false;
}

/* ---- -v ---- */

static const char *const propagations[] = { "private", "rprivate", "shared", "rshared", "slave", "rslave", NULL };

/* Docker's words become the runtime-spec's. */
static int translate(const char *text, struct buf *out, struct error *err)
{
        /* Labels of SELinux, consistency on a Mac, copying into new volumes: nothing here. */
        static const char *const nothing[] = {
                "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent", "", NULL
        };
        own_mem char *copy = strdup(text);
        const char *propagation = "rprivate";
        char *rest = copy, *word;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        buf_add_str(out, "rbind");
        while ((word = strsep(&rest, ","))) {
                if (strcmp(word, "ro") == 0)
                        buf_add_str(out, ",ro,rro");
                else if (is_one_of(word, propagations))
                        propagation = word;
                else if (!is_one_of(word, nothing))
                        return error_set(err, EINVAL, "volume option \"%s\" is unknown", word);
        }
        buf_addf(out, ",%s", propagation);
        return buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : 0;
}

static int add_bind(struct volumes *v, const char *source, const char *destination, const char *options, bool make,
                    struct error *err)
{
        own_buf struct buf translated = {};
        own_mem char *real = NULL;
        int r;

        if (*source != '/' && *source != '.')
                return error_set(err, ENOTSUP, "\"%s\" is no path", source);
        r = translate(options, &translated, err);
        if (r < 0)
                return r;
        if (make && *source == '/' && (r = fd_mkdir_all(source, 0755)) < 0 && r != -EEXIST && r != -ENOTDIR)
                return error_errno(err, -r, "make %s", source);
        real = realpath(source, NULL);
        if (!real)
                return error_errno(err, errno, "mount %s", source);
        return volumes_add(v, real, destination, "bind", buf_str(&translated), err);
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
        r = add_bind(v, copy, destination, options ? options : "", stat(copy, &st) < 0, err);
        return r < 0 ? error_wrap(err, "volume \"%s\"", text) : 0;
}

/* ---- --tmpfs ---- */

int volumes_add_tmpfs(struct volumes *v, const char *text, struct error *err)
{
        own_mem char *copy = strdup(text);
        own_buf struct buf options = {};
        char *given;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        given = strchr(copy, ':');
        if (given)
                *given++ = '\0';
        /* The last of two that contradict each other counts. */
        buf_addf(&options, "noexec,nosuid,nodev%s%s", given && *given ? "," : "", given ? given : "");
        if (buf_failed(&options))
                return error_set(err, ENOMEM, "out of memory");
        return volumes_add(v, "tmpfs", copy, "tmpfs", buf_str(&options), err);
}

/* ---- --mount ---- */

struct mount_words {
        const char *type, *source, *target, *size, *mode, *propagation;
        bool read_only;
};

static bool is_true(const char *value)
{
        return !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static int read_word(struct mount_words *m, char *word, struct error *err)
{
        const struct {
                const char *name, **value;
        } names[] = {
                { "type", &m->type },       { "source", &m->source },      { "src", &m->source },
                { "target", &m->target },   { "destination", &m->target }, { "dst", &m->target },
                { "tmpfs-size", &m->size }, { "tmpfs-mode", &m->mode },    { "bind-propagation", &m->propagation },
        };
        char *value = strchr(word, '=');

        if (value)
                *value++ = '\0';
        if (strcmp(word, "readonly") == 0 || strcmp(word, "ro") == 0) {
                m->read_only = is_true(value);
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (value && strcmp(word, names[i].name) == 0) {
                        *names[i].value = value;
                        return 0;
                }
        }
        return error_set(err, EINVAL, "\"%s\" is unknown", word);
}

static int add_mount(struct volumes *v, const struct mount_words *m, struct error *err)
{
        own_buf struct buf options = {};

        if (!m->target)
                return error_set(err, EINVAL, "no target");
        if (m->type && strcmp(m->type, "tmpfs") == 0) {
                buf_addf(&options, "noexec,nosuid,nodev%s%s%s%s%s", m->size ? ",size=" : "", m->size ? m->size : "",
                         m->mode ? ",mode=" : "", m->mode ? m->mode : "", m->read_only ? ",ro" : "");
                return buf_failed(&options) ? error_set(err, ENOMEM, "out of memory")
                                            : volumes_add(v, "tmpfs", m->target, "tmpfs", buf_str(&options), err);
        }
        if (!m->type || strcmp(m->type, "bind") != 0)
                return error_set(err, ENOTSUP, "type \"%s\" is not there yet", m->type ? m->type : "volume");
        if (!m->source)
                return error_set(err, EINVAL, "no source");
        buf_addf(&options, "%s,%s", m->read_only ? "ro" : "rw", m->propagation ? m->propagation : "rprivate");
        return buf_failed(&options) ? error_set(err, ENOMEM, "out of memory")
                                    : add_bind(v, m->source, m->target, buf_str(&options), false, err);
}

int volumes_add_mount(struct volumes *v, const char *text, struct error *err)
{
        own_mem char *copy = strdup(text);
        struct mount_words m = {};
        char *rest = copy, *word;
        int r = 0;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        while (r == 0 && (word = strsep(&rest, ",")))
                r = read_word(&m, word, err);
        if (r == 0)
                r = add_mount(v, &m, err);
        return r < 0 ? error_wrap(err, "mount \"%s\"", text) : 0;
}

/* ---- what was settled ---- */

static int add_settled(struct volumes *v, const struct instance_mount *m, struct error *err)
{
        int r = strcmp(m->type, "image") == 0 ? error_set(err, ENOTSUP, "images cannot be mounted into instances yet")
                                              : add_bind(v, m->source, m->destination, m->options, false, err);

        return r < 0 ? error_wrap(err, "%s \"%s\"", m->type, m->name ? m->name : m->source) : 0;
}

static int add_all_settled(struct volumes *v, const char *path, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        own_fd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r;

        /* Of one that is only explained there is no directory. */
        if (dir < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "%s", path);
        r = instance_mounts_load(dir, &m, err);

        for (size_t i = 0; r == 0 && i < m.n; i++)
                r = add_settled(v, &m.items[i], err);
        return r;
}

int volumes_add_instance(struct volumes *v, const struct instance_options *o, const char *dir, struct error *err)
{
        int r = 0;

        for (const char *const *text = o->volume; r == 0 && text && *text; text++)
                r = instance_mount_is_path(*text) ? volumes_add_bind(v, *text, err) : 0;
        for (const char *const *text = o->mount; r == 0 && text && *text; text++)
                r = instance_mount_is_volume(*text) ? 0 : volumes_add_mount(v, *text, err);
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
                json_end_object(w);
        }
}
