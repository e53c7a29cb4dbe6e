/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "instance/instance_mounts_list.h"
#include "sys/fd.h"

enum { MAX_FILE = 4 << 20 };

void instance_mounts_finish(struct instance_mounts *m)
{
        free(m->items);
        arena_finish(&m->arena);
        *m = (struct instance_mounts){};
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

bool instance_mount_is_path(const char *volume)
{
        return (*volume == '/' || *volume == '.') && strchr(volume, ':');
}

bool instance_mount_is_volume(const char *mount)
{
        struct arena a = {};
        struct mount_words w = {};
        bool ours = mount_words_read_mount(&a, mount, &w, NULL) == 0 &&
                    (strcmp(w.type, "volume") == 0 || strcmp(w.type, "image") == 0);

        arena_finish(&a);
        return ours;
}

bool instance_mount_is_read_only(const struct instance_mount *m)
{
        for (const char *p = m->options; *p; p += strcspn(p, ","), p += *p == ',') {
                if (strncmp(p, "ro", 2) == 0 && (p[2] == ',' || !p[2]))
                        return true;
        }
        return strcmp(m->type, "image") == 0;
}

bool instance_mount_is_given(const struct instance_mount *m)
{
        return m->subpath || strcmp(m->type, "image") == 0;
}

bool instance_mounts_has(const struct instance_mounts *m, const char *destination)
{
        for (size_t i = 0; i < m->n; i++) {
                if (strcmp(m->items[i].destination, destination) == 0)
                        return true;
        }
        return false;
}

static int copy_text(struct instance_mounts *m, const char **text)
{
        if (*text)
                *text = arena_strdup(&m->arena, *text);
        return *text ? 0 : -ENOMEM;
}

static int copy_text_or_null(struct instance_mounts *m, const char **text)
{
        return *text ? copy_text(m, text) : 0;
}

int instance_mounts_add(struct instance_mounts *m, struct instance_mount item, struct error *err)
{
        if (instance_mounts_has(m, item.destination))
                return error_set(err, EINVAL, "two mounts at %s", item.destination);
        if (copy_text(m, &item.type) < 0 || copy_text(m, &item.destination) < 0 || copy_text(m, &item.options) < 0 ||
            copy_text_or_null(m, &item.name) < 0 || copy_text_or_null(m, &item.source) < 0 ||
            copy_text_or_null(m, &item.image) < 0 || copy_text_or_null(m, &item.subpath) < 0 ||
            array_grow(&m->items, &m->cap, m->n + 1, sizeof *m->items) < 0)
                return no_memory(err);
        m->items[m->n++] = item;
        return 0;
}

int instance_mounts_words(const struct instance_options *o,
                          int (*each)(void *userdata, const struct mount_words *w, struct error *err), void *userdata,
                          struct error *err)
{
        struct mount_words w = {};
        struct arena a = {};
        int r = 0;

        for (const char *const *text = o->volume; r == 0 && text && *text; text++) {
                r = mount_words_read_volume(&a, *text, &w, err);
                if (r == 0)
                        r = each(userdata, &w, err);
        }
        for (const char *const *text = o->mount; r == 0 && text && *text; text++) {
                r = mount_words_read_mount(&a, *text, &w, err);
                if (r == 0)
                        r = each(userdata, &w, err);
        }
        arena_finish(&a);
        return r;
}

/* ---- what was kept ---- */

static int read_mount(struct json_object *obj, struct instance_mounts *m, struct error *err)
{
        struct instance_mount item = { .type = "", .destination = "", .options = "" };
        int r = json_is_object(obj) ? 0 : error_set(err, EINVAL, "no object");

        if (r >= 0)
                r = json_get_string(obj, "type", &item.type, err);
        if (r >= 0)
                r = json_get_string(obj, "name", &item.name, err);
        if (r >= 0)
                r = json_get_string(obj, "source", &item.source, err);
        if (r >= 0)
                r = json_get_string(obj, "destination", &item.destination, err);
        if (r >= 0)
                r = json_get_string(obj, "options", &item.options, err);
        if (r >= 0)
                r = json_get_string(obj, "image", &item.image, err);
        if (r >= 0)
                r = json_get_string(obj, "subpath", &item.subpath, err);
        if (r >= 0)
                r = json_get_bool(obj, "anonymous", &item.anonymous, err);
        if (r >= 0)
                r = json_get_bool(obj, "nocopy", &item.nocopy, err);
        if (r >= 0)
                r = json_get_bool(obj, "mounted", &item.mounted, err);
        if (r >= 0 && (!item.source || (item.anonymous && !item.name)))
                r = error_set(err, EINVAL, "a mount without a source");
        return r < 0 ? r : instance_mounts_add(m, item, err);
}

static int read_text(const struct buf *text, struct instance_mounts *m, struct error *err)
{
        own_json struct json_object *root = NULL;
        struct json_object *array = NULL;
        int r = json_parse(buf_str(text), text->len, &root, err);

        if (r == 0 && !json_is_object(root))
                r = error_set(err, EINVAL, "no object");
        if (r == 0)
                r = json_get_array(root, "mounts", &array, err);
        for (size_t i = 0; r >= 0 && array && i < json_array_size(array); i++)
                r = read_mount(json_array_item(array, i), m, err);
        return r < 0 ? error_wrap(err, "the instance's volumes") : 0;
}

int instance_mounts_load(int dir, struct instance_mounts *ret, struct error *err)
{
        own_fd int fd = openat(dir, INSTANCE_MOUNTS_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_instance_mounts struct instance_mounts m = {};
        own_buf struct buf text = {};
        int r;

        if (fd < 0 && errno == ENOENT) {
                *ret = m;
                return 0;
        }
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_FILE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the instance's volumes");
        r = read_text(&text, &m, err);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct instance_mounts){};
        return 0;
}

static int add_bind(void *userdata, const struct mount_words *w, struct error *err)
{
        if (strcmp(w->type, "bind") != 0 || !w->source)
                return 0;
        return instance_mounts_add(
                userdata,
                (struct instance_mount){
                        .type = "bind", .source = w->source, .destination = w->destination, .options = w->options },
                err);
}

int instance_mounts_all(const struct instance *i, struct instance_mounts *ret, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        int r = instance_mounts_load(i->fd, &m, err);

        if (r == 0)
                r = instance_mounts_words(&i->options, add_bind, &m, err);
        if (r < 0)
                return r;
        *ret = m;
        m = (struct instance_mounts){};
        return 0;
}

/* ---- as docker shows them ---- */

static const char *propagation_of(const struct instance_mount *m)
{
        static const char *const words[] = { "rprivate", "private", "rshared", "shared", "rslave", "slave" };

        for (const char *p = m->options; *p; p += strcspn(p, ","), p += *p == ',') {
                for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                        size_t n = strlen(words[i]);

                        if (strncmp(p, words[i], n) == 0 && (p[n] == ',' || !p[n]))
                                return words[i];
                }
        }
        return strcmp(m->type, "bind") == 0 ? "rprivate" : "";
}

int instance_mounts_describe(const struct instance *i, struct json_writer *w, const char *key, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        int r = instance_mounts_all(i, &m, err);

        if (r < 0)
                return r;
        json_begin_array(w, key);
        for (size_t k = 0; k < m.n; k++) {
                const struct instance_mount *item = &m.items[k];

                json_begin_object(w, NULL);
                json_write_string(w, "Type", item->type);
                if (item->name)
                        json_write_string(w, "Name", item->name);
                json_write_string(w, "Source", item->source);
                if (item->image)
                        json_write_string(w, "Image", item->image);
                if (item->subpath)
                        json_write_string(w, "Subpath", item->subpath);
                json_write_string(w, "Destination", item->destination);
                if (item->name)
                        json_write_string(w, "Driver", "local");
                json_write_string(w, "Mode", item->options);
                json_write_bool(w, "RW", !instance_mount_is_read_only(item));
                json_write_string(w, "Propagation", propagation_of(item));
                json_end_object(w);
        }
        json_end_array(w);
        return 0;
}
