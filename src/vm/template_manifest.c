/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "vm/template.h"

enum { FORMAT = 1 };

static int missing(const char *what, struct error *err)
{
        return error_set(err, EBADMSG, "its manifest has no %s", what);
}

static int read_text(struct json_object *from, const char *key, char *ret, size_t size, struct error *err)
{
        const char *text = NULL;

        if (json_get_string(from, key, &text, err) <= 0 || strlen(text) >= size)
                return missing(key, err);
        snprintf(ret, size, "%s", text);
        return 0;
}

static int read_digest(struct json_object *from, char ret[SHA256_HEX], struct error *err)
{
        int r = read_text(from, "digest", ret, SHA256_HEX, err);

        return r == 0 && strlen(ret) != SHA256_HEX - 1 ? missing("digest", err) : r;
}

static int read_size(struct json_object *from, const char *key, int64_t *ret, struct error *err)
{
        return json_get_i64(from, key, ret, err) <= 0 || *ret <= 0 ? missing(key, err) : 0;
}

static int read_base(struct json_object *from, struct template_base *b, struct error *err)
{
        int r = json_is_object(from) ? read_size(from, "size", &b->size, err) : missing("base", err);

        if (r == 0)
                r = read_size(from, "time", &b->time, err);
        return r == 0 ? read_digest(from, b->digest, err) : r;
}

static int read_pages(struct json_object *root, struct template_manifest *m, struct error *err)
{
        struct json_object *pages = NULL, *bases = NULL;
        int r = json_get_object(root, "pages", &pages, err);

        if (r <= 0)
                return r;
        r = read_digest(pages, m->pages_digest, err);
        if (r == 0 && (json_get_array(pages, "bases", &bases, err) <= 0 || !json_array_size(bases) ||
                       json_array_size(bases) > TEMPLATE_MAX_BASES))
                r = missing("bases", err);
        for (size_t i = 0; r == 0 && i < json_array_size(bases); i++)
                r = read_base(json_array_item(bases, i), &m->bases[m->n_bases++], err);
        return r;
}

static int read_files(struct json_object *root, struct template_manifest *m, struct error *err)
{
        struct json_object *memory = NULL, *state = NULL;
        int r;

        if (json_get_object(root, "memory", &memory, err) <= 0 || json_get_object(root, "state", &state, err) <= 0)
                return missing("memory or state", err);
        r = read_size(memory, "size", &m->memory_size, err);
        if (r == 0)
                r = read_size(memory, "time", &m->memory_time, err);
        if (r == 0)
                r = read_digest(memory, m->memory_digest, err);
        if (r == 0)
                r = read_size(state, "size", &m->state_size, err);
        if (r == 0)
                r = read_digest(state, m->state_digest, err);
        return r == 0 ? read_pages(root, m, err) : r;
}

static int read_all(struct json_object *root, struct template_manifest *m, struct error *err)
{
        const char *key = NULL, *origin = NULL;
        uint32_t format = 0;
        int r;

        if (!json_is_object(root) || json_get_u32(root, "format", &format, err) <= 0 || format != FORMAT)
                return missing("format that is known", err);
        if (json_get_u32(root, "cpus", &m->cpus, err) <= 0 || json_get_u32(root, "mib", &m->memory_mib, err) <= 0 ||
            json_get_u32(root, "tsc", &m->tsc_khz, err) <= 0 || json_get_i64(root, "made", &m->made, err) <= 0)
                return missing("numbers", err);
        r = read_text(root, "qemu", m->qemu, sizeof(m->qemu), err);
        if (r == 0)
                r = read_text(root, "accelerator", m->accelerator, sizeof(m->accelerator), err);
        if (r == 0)
                r = read_text(root, "kernel", m->kernel, sizeof(m->kernel), err);
        if (r == 0)
                r = read_text(root, "boot", m->boot, sizeof(m->boot), err);
        if (r == 0 && json_get_string(root, "key", &key, err) > 0)
                r = read_text(root, "key", m->key, sizeof(m->key), err);
        if (r == 0 && json_get_string(root, "origin", &origin, err) > 0)
                r = read_text(root, "origin", m->origin, sizeof(m->origin), err);
        return r == 0 ? read_files(root, m, err) : r;
}

int template_manifest_read(const char *text, size_t len, struct template_manifest *ret, struct error *err)
{
        own_json struct json_object *root = NULL;
        struct template_manifest m = {};
        int r = json_parse(text, len, &root, err);

        if (r == -EINVAL)
                return error_set(err, EBADMSG, "its manifest is no JSON");
        if (r == 0)
                r = read_all(root, &m, err);
        if (r == 0)
                *ret = m;
        return r;
}

static void write_pages(const struct template_manifest *m, struct json_writer *w)
{
        json_begin_object(w, "pages");
        json_write_string(w, "digest", m->pages_digest);
        json_begin_array(w, "bases");
        for (size_t i = 0; i < m->n_bases; i++) {
                json_begin_object(w, NULL);
                json_write_i64(w, "size", m->bases[i].size);
                json_write_i64(w, "time", m->bases[i].time);
                json_write_string(w, "digest", m->bases[i].digest);
                json_end_object(w);
        }
        json_end_array(w);
        json_end_object(w);
}

void template_manifest_write(const struct template_manifest *m, struct buf *out)
{
        struct json_writer w = { .out = out, .indent = 2 };

        json_begin_object(&w, NULL);
        json_write_u64(&w, "format", FORMAT);
        json_write_u64(&w, "cpus", m->cpus);
        json_write_u64(&w, "mib", m->memory_mib);
        json_write_string(&w, "kernel", m->kernel);
        json_write_string(&w, "qemu", m->qemu);
        json_write_string(&w, "accelerator", m->accelerator);
        json_write_u64(&w, "tsc", m->tsc_khz);
        json_write_i64(&w, "made", m->made);
        json_write_string(&w, "boot", m->boot);
        if (*m->key)
                json_write_string(&w, "key", m->key);
        if (*m->origin)
                json_write_string(&w, "origin", m->origin);
        json_begin_object(&w, "memory");
        json_write_i64(&w, "size", m->memory_size);
        json_write_i64(&w, "time", m->memory_time);
        json_write_string(&w, "digest", m->memory_digest);
        json_end_object(&w);
        json_begin_object(&w, "state");
        json_write_i64(&w, "size", m->state_size);
        json_write_string(&w, "digest", m->state_digest);
        json_end_object(&w);
        if (m->n_bases)
                write_pages(m, &w);
        json_end_object(&w);
        buf_add_str(out, "\n");
}
