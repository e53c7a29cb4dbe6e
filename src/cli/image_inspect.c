/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_inspect.h"

#include <string.h>

#include "base/own.h"
#include "cli/image_lookup.h"
#include "cli/timestamp.h"

static const char *text_member(struct json_object *obj, const char *key)
{
        struct json_object *value = json_member(obj, key);
        const char *text = value ? json_string_value(value) : NULL;

        return text ? text : "";
}

/* What Docker always shows of a configuration, and what it is when the image does not say. */
static const struct {
        const char *key, *absent;
} always[] = {
        { "User", "\"\"" },       { "ExposedPorts", "null" }, { "Env", "null" },
        { "Entrypoint", "null" }, { "Cmd", "null" },          { "Volumes", "null" },
        { "WorkingDir", "\"\"" }, { "OnBuild", "null" },      { "Labels", "null" },
};

static int write_other(const char *key, struct json_object *value, void *userdata)
{
        for (size_t i = 0; i < ARRAY_SIZE(always); i++)
                if (strcmp(always[i].key, key) == 0)
                        return 0;
        json_write_value(userdata, key, value);
        return 0;
}

static void write_config(struct json_writer *w, struct json_object *config)
{
        json_begin_object(w, "Config");
        for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
                struct json_object *value = json_member(config, always[i].key);

                if (value)
                        json_write_value(w, always[i].key, value);
                else
                        json_write_raw(w, always[i].key, always[i].absent);
        }
        if (json_is_object(config))
                json_each(config, write_other, w);
        json_end_object(w);
}

static void write_names(struct json_writer *w, const char *key, const char *const *names)
{
        json_begin_array(w, key);
        for (; *names; names++) {
                own_buf struct buf text = {};

                image_add_short_name(&text, *names);
                json_write_string(w, NULL, buf_str(&text));
        }
        json_end_array(w);
}

static void write_layers(struct json_writer *w, const struct image_info *info)
{
        json_begin_object(w, "RootFS");
        json_write_string(w, "Type", "layers");
        json_begin_array(w, "Layers");
        for (size_t i = 0; i < info->n_layers; i++)
                json_write_string(w, NULL, info->diff_ids[i].text);
        json_end_array(w);
        json_end_object(w);
}

static void write_image(struct json_writer *w, const struct image_info *info, struct json_object *config)
{
        char added[TIMESTAMP_MAX];

        timestamp_rfc3339(info->added, added);
        json_begin_object(w, NULL);
        json_write_string(w, "Id", info->id.text);
        write_names(w, "RepoTags", info->names);
        write_names(w, "RepoDigests", info->digests);
        json_write_string(w, "Parent", "");
        json_write_string(w, "Comment", text_member(config, "comment"));
        json_write_string(w, "Created", text_member(config, "created"));
        json_write_string(w, "Author", text_member(config, "author"));
        write_config(w, json_member(config, "config"));
        json_write_string(w, "Architecture", info->platform.architecture);
        if (*info->platform.variant)
                json_write_string(w, "Variant", info->platform.variant);
        json_write_string(w, "Os", info->platform.os);
        json_write_u64(w, "Size", info->size);
        json_begin_object(w, "GraphDriver");
        json_write_string(w, "Name", "erofs");
        json_write_raw(w, "Data", "null");
        json_end_object(w);
        write_layers(w, info);
        json_begin_object(w, "Metadata");
        json_write_string(w, "LastTagTime", added);
        json_end_object(w);
        json_begin_object(w, "Descriptor");
        json_write_string(w, "digest", info->manifest.text);
        json_end_object(w);
        json_end_object(w);
}

int image_inspect(struct store *s, const char *name, struct json_writer *w, struct error *err)
{
        own_json struct json_object *config = NULL;
        own_mem struct image_info *info = NULL;
        int r = image_find(s, name, &info, err);

        if (r == 0)
                r = image_config_load_json(s, &info->id, &config, err);
        if (r == 0)
                write_image(w, info, config);
        return r;
}
