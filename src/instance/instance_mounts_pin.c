/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "instance/instance_mounts_list.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* A field of CSV. */
static void add_field(struct buf *out, const char *name, const char *value)
{
        buf_addf(out, ",\"%s=", name);
        for (; *value; value++) {
                if (*value == '"')
                        buf_add_str(out, "\"");
                buf_add(out, value, 1);
        }
        buf_add_str(out, "\"");
}

static const char *find_image(const struct instance_mounts *m, const char *destination)
{
        for (size_t k = 0; k < m->n; k++) {
                if (strcmp(m->items[k].destination, destination) == 0)
                        return m->items[k].image;
        }
        return NULL;
}

/* *ret: the option's text, or the same with the image's id. From the arena. */
static int pin(const struct instance_mounts *m, const char *text, struct arena *a, const char **ret, struct error *err)
{
        own_buf struct buf out = {};
        const char *image = NULL;
        struct mount_words w;
        int r = mount_words_read_mount(a, text, &w, err);

        if (r < 0)
                return r;
        if (strcmp(w.type, "image") == 0)
                image = find_image(m, w.destination);
        if (image) {
                buf_add_str(&out, "type=image");
                add_field(&out, "source", image);
                add_field(&out, "target", w.destination);
                if (w.subpath)
                        add_field(&out, "image-subpath", w.subpath);
        }
        *ret = arena_strdup(a, image ? buf_str(&out) : text);
        return *ret && !buf_failed(&out) ? 0 : no_memory(err);
}

int instance_mounts_pin_images(const struct instance *original, struct instance_options *o, struct error *err)
{
        own_instance_mounts struct instance_mounts m = {};
        own_mem const char **texts = NULL;
        struct arena a = {};
        size_t n = 0;
        int r;

        if (!o->mount)
                return 0;
        r = instance_mounts_load(original->fd, &m, err);
        while (o->mount[n])
                n++;
        texts = calloc(n + 1, sizeof *texts);
        if (!texts)
                r = no_memory(err);
        for (size_t k = 0; r == 0 && k < n; k++)
                r = pin(&m, o->mount[k], &a, &texts[k], err);
        if (r == 0 && instance_option_set_list(o, instance_option_find("mount"), texts, n) < 0)
                r = no_memory(err);
        arena_finish(&a);
        return r;
}
