/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commit_config.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/image_change.h"
#include "cli/label_map.h"

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

/* ---- one on top of the other ---- */

struct merging {
        struct json_writer *w;
        struct json_object *lower, *upper;
};

static int write_unless_upper(const char *key, struct json_object *value, void *userdata)
{
        struct merging *m = userdata;

        if (!json_member(m->upper, key))
                json_write_value(m->w, key, value);
        return 0;
}

static int write_member(const char *key, struct json_object *value, void *userdata)
{
        json_write_value(userdata, key, value);
        return 0;
}

/* Sets and labels. */
static void merge_maps(struct json_writer *w, const char *key, struct json_object *lower, struct json_object *upper)
{
        struct merging m = { w, lower, upper };

        json_begin_object(w, key);
        if (json_is_object(lower))
                json_each(lower, write_unless_upper, &m);
        json_each(upper, write_member, w);
        json_end_object(w);
}

static bool has_variable(struct json_object *list, const char *text)
{
        size_t n = strcspn(text, "=") + 1;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *other = json_string_value(json_array_item(list, i));

                if (other && strncmp(other, text, n) == 0)
                        return true;
        }
        return false;
}

static void merge_env(struct json_writer *w, struct json_object *lower, struct json_object *upper)
{
        size_t n = json_is_array(lower) ? json_array_size(lower) : 0;

        json_begin_array(w, "Env");
        for (size_t i = 0; i < n; i++) {
                const char *text = json_string_value(json_array_item(lower, i));

                if (text && !has_variable(upper, text))
                        json_write_string(w, NULL, text);
        }
        for (size_t i = 0; i < json_array_size(upper); i++)
                json_write_value(w, NULL, json_array_item(upper, i));
        json_end_array(w);
}

/* Of what both have. */
static void merge_member(struct json_writer *w, const char *key, struct json_object *lower, struct json_object *upper)
{
        if (strcmp(key, "Env") == 0 && json_is_array(upper))
                merge_env(w, lower, upper);
        else if (json_is_object(upper) && strcmp(key, "Healthcheck") != 0)
                merge_maps(w, key, lower, upper);
        else
                json_write_value(w, key, upper);
}

static int merge_lower(const char *key, struct json_object *value, void *userdata)
{
        struct merging *m = userdata;
        struct json_object *upper = json_member(m->upper, key);

        /* Arguments belong to their own entry point. */
        if (!upper && strcmp(key, "Cmd") == 0 && json_member(m->upper, "Entrypoint"))
                return 0;
        if (upper)
                merge_member(m->w, key, value, upper);
        else
                json_write_value(m->w, key, value);
        return 0;
}

static int write_unless_lower(const char *key, struct json_object *value, void *userdata)
{
        struct merging *m = userdata;

        if (!json_member(m->lower, key))
                json_write_value(m->w, key, value);
        return 0;
}

static int merge(struct json_object *lower, const struct buf *upper_text, struct buf *out, struct error *err)
{
        own_json struct json_object *upper = NULL;
        struct json_writer w = { .out = out };
        struct merging m = { &w, lower, NULL };
        int r = buf_failed(upper_text) ? no_memory(err) : json_parse(buf_str(upper_text), upper_text->len, &upper, err);

        if (r < 0)
                return r;
        m.upper = upper;
        json_begin_object(&w, NULL);
        if (json_is_object(lower))
                json_each(lower, merge_lower, &m);
        json_each(upper, write_unless_lower, &m);
        json_end_object(&w);
        return buf_failed(out) ? no_memory(err) : 0;
}

/* ---- what was asked of the instance ---- */

static void write_text(struct json_writer *w, const char *key, const char *value)
{
        if (value)
                json_write_string(w, key, value);
}

static void write_ports(struct json_writer *w, const char *const *ports)
{
        if (!ports)
                return;
        json_begin_object(w, "ExposedPorts");
        for (; *ports; ports++) {
                own_buf struct buf port = {};

                buf_addf(&port, "%s%s", *ports, strchr(*ports, '/') ? "" : "/tcp");
                json_begin_object(w, buf_str(&port));
                json_end_object(w);
        }
        json_end_object(w);
}

static void write_asked(const struct instance_options *o, struct buf *out)
{
        const char *const entry[] = { o->entrypoint, NULL };
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        write_text(&w, "User", o->user);
        write_text(&w, "WorkingDir", o->workdir);
        write_text(&w, "StopSignal", o->stop_signal);
        json_write_strings(&w, "Env", o->env);
        if (o->entrypoint && *o->entrypoint)
                json_write_strings(&w, "Entrypoint", entry);
        else if (o->entrypoint)
                json_write_raw(&w, "Entrypoint", "null");
        if (o->command && *o->command)
                json_write_strings(&w, "Cmd", o->command);
        if (o->label)
                label_map_write(&w, "Labels", o->label);
        write_ports(&w, o->expose);
        json_end_object(&w);
}

int commit_config(const struct instance *i, struct json_object *config, const char *const *changes, struct buf *out,
                  struct error *err)
{
        own_buf struct buf asked = {}, merged = {}, changed = {};
        own_json struct json_object *obj = NULL;
        int r = image_change_config(changes, &changed, err);

        write_asked(&i->options, &asked);
        if (r == 0)
                r = merge(config, &asked, &merged, err);
        if (r == 0)
                r = json_parse(buf_str(&merged), merged.len, &obj, err);
        return r == 0 ? merge(obj, &changed, out, err) : r;
}
