/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/mount_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "instance/csv_field.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int check_destination(const char *destination, const char *text, struct error *err)
{
        if (!destination || *destination != '/')
                return error_set(err, EINVAL, "\"%s\": where it is to be mounted is no absolute path", text);
        return 0;
}

static bool has_word(const char *list, const char *word)
{
        size_t n = strlen(word);

        for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
                if (strncmp(p, word, n) == 0 && (p[n] == ',' || !p[n]))
                        return true;
        }
        return false;
}

/* Without slashes that say nothing: two ways to write one place are one place. */
static char *clean(struct arena *a, const char *path)
{
        char *copy = arena_strdup(a, path), *out = copy;

        for (const char *p = copy; p && *p; p++) {
                if (*p == '/' && (p[1] == '/' || (!p[1] && p != copy)))
                        continue;
                *out++ = *p;
        }
        if (out)
                *out = '\0';
        return copy;
}

int mount_words_read_volume(struct arena *a, const char *text, struct mount_words *ret, struct error *err)
{
        char *first = arena_strdup(a, text), *second, *third = NULL;
        struct mount_words w = { .type = "volume", .options = "" };

        if (!first)
                return no_memory(err);
        second = strchr(first, ':');
        if (second)
                *second++ = '\0';
        third = second ? strchr(second, ':') : NULL;
        if (third)
                *third++ = '\0';
        if (third && strchr(third, ':'))
                return error_set(err, EINVAL, "volume \"%s\": too many colons", text);
        w.destination = clean(a, second ? second : first);
        if (!w.destination)
                return no_memory(err);
        if (second)
                w.source = first;
        if (third)
                w.options = third;
        if (second && (*first == '/' || *first == '.'))
                w.type = "bind";
        w.nocopy = has_word(w.options, "nocopy");
        *ret = w;
        return check_destination(w.destination, text, err);
}

/* ---- --mount ---- */

struct reading {
        struct arena *a;
        struct mount_words w;
        bool read_only, writable;
        const char *propagation, *relabel, *unknown;
        const char *labels[33], *driver[4];
        size_t n_labels, n_driver;
};

static bool is_true(const char *value)
{
        return !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static int add_value(const char *name, const char **list, size_t *n, size_t size, const char *value, struct error *err)
{
        if (!value || *n + 1 == size)
                return error_set(err, EINVAL, "%s: %s", name, value ? "too many of them" : "no value");
        list[(*n)++] = value;
        return 0;
}

static int copy_list(struct arena *a, const char *const *list, size_t n, const char *const **ret, struct error *err)
{
        const char **copy = n ? arena_alloc(a, n + 1, sizeof *copy) : NULL;

        if (n && !copy)
                return no_memory(err);
        if (n)
                memcpy(copy, list, n * sizeof *copy);
        *ret = copy;
        return 0;
}

static int read_word(struct reading *r, char *word, struct error *err)
{
        const struct {
                const char *name, **value;
        } names[] = {
                { "type", &r->w.type },
                { "source", &r->w.source },
                { "src", &r->w.source },
                { "target", &r->w.destination },
                { "dst", &r->w.destination },
                { "destination", &r->w.destination },
                { "bind-propagation", &r->propagation },
                { "relabel", &r->relabel },
                { "volume-subpath", &r->w.subpath },
                { "image-subpath", &r->w.subpath },
                { "subpath", &r->w.subpath },
        };
        char *value = strchr(word, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; value && i < ARRAY_SIZE(names); i++) {
                if (strcmp(word, names[i].name) == 0) {
                        *names[i].value = value;
                        return 0;
                }
        }
        if (strcmp(word, "readonly") == 0 || strcmp(word, "ro") == 0)
                r->read_only = is_true(value);
        else if (strcmp(word, "rw") == 0)
                r->read_only = !(r->writable = is_true(value));
        else if (strcmp(word, "volume-nocopy") == 0)
                r->w.nocopy = is_true(value);
        else if (strcmp(word, "volume-label") == 0)
                return add_value(word, r->labels, &r->n_labels, ARRAY_SIZE(r->labels), value, err);
        else if (strcmp(word, "volume-opt") == 0)
                return add_value(word, r->driver, &r->n_driver, ARRAY_SIZE(r->driver), value, err);
        else if (strcmp(word, "volume-driver") == 0 && value && strcmp(value, "local") != 0)
                return error_set(err, ENOTSUP, "volume driver \"%s\": there is none but local", value);
        else if (strncmp(word, "volume-", strlen("volume-")) != 0)
                r->unknown = word;
        return 0;
}

static bool goes_up(const char *path)
{
        for (; *path; path += strcspn(path, "/"), path += *path == '/') {
                if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || !path[2]))
                        return true;
        }
        return false;
}

static int check_subpath(const struct reading *r, struct error *err)
{
        if (!r->w.subpath)
                return 0;
        if (strcmp(r->w.type, "bind") == 0 || strcmp(r->w.type, "tmpfs") == 0)
                return error_set(err, EINVAL, "a subpath is for volumes and images: name the directory itself");
        if (!*r->w.subpath || *r->w.subpath == '/' || goes_up(r->w.subpath))
                return error_set(err, EINVAL, "subpath \"%s\": must be a relative path without \"..\"", r->w.subpath);
        return r->w.source ? 0 : error_set(err, EINVAL, "a volume without a name has no subpath yet");
}

static int check_image(const struct reading *r, struct error *err)
{
        if (!r->w.source)
                return error_set(err, EINVAL, "no source");
        if (r->writable)
                return error_set(err, ENOTSUP, "rw: an image is mounted read-only");
        return check_subpath(r, err);
}

/* What tmpfs and binds have beside these is volume.h's to judge. */
static int check_words(const struct reading *r, struct error *err)
{
        bool ours = strcmp(r->w.type, "volume") == 0 || strcmp(r->w.type, "image") == 0;

        if (!ours && strcmp(r->w.type, "bind") != 0 && strcmp(r->w.type, "tmpfs") != 0)
                return error_set(err, EINVAL, "type \"%s\" is unknown", r->w.type);
        if (ours && r->unknown)
                return error_set(err, EINVAL, "\"%s\" is unknown", r->unknown);
        if (r->relabel && strcmp(r->relabel, "shared") != 0 && strcmp(r->relabel, "private") != 0)
                return error_set(err, EINVAL, "relabel=%s: must be shared or private", r->relabel);
        return strcmp(r->w.type, "image") == 0 ? check_image(r, err) : check_subpath(r, err);
}

static int end_mount(struct reading *r, const char *text, struct error *err)
{
        own_buf struct buf options = {};

        buf_add_str(&options, r->read_only || strcmp(r->w.type, "image") == 0 ? "ro" : "rw");
        if (r->propagation)
                buf_addf(&options, ",%s", r->propagation);
        if (r->relabel)
                buf_add_str(&options, *r->relabel == 's' ? ",z" : ",Z");
        if (copy_list(r->a, r->labels, r->n_labels, &r->w.labels, err) < 0 ||
            copy_list(r->a, r->driver, r->n_driver, &r->w.driver, err) < 0)
                return -err->code;
        r->w.options = arena_strdup(r->a, buf_str(&options));
        if (buf_failed(&options) || !r->w.options)
                return no_memory(err);
        if (r->w.destination && !(r->w.destination = clean(r->a, r->w.destination)))
                return no_memory(err);
        return check_destination(r->w.destination, text, err);
}

int mount_words_read_mount(struct arena *a, const char *text, struct mount_words *ret, struct error *err)
{
        struct reading reading = { .a = a, .w = { .type = "volume" } };
        char *rest = arena_strdup(a, text), *word;
        int r = rest ? 0 : no_memory(err);

        while (r == 0 && (r = csv_next_field(&rest, &word, err)) == 0 && word)
                r = read_word(&reading, word, err);
        if (r == 0)
                r = check_words(&reading, err);
        if (r == 0)
                r = end_mount(&reading, text, err);
        if (r < 0)
                return error_wrap(err, "mount \"%s\"", text);
        *ret = reading.w;
        return 0;
}
