/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image_config.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/spec_parse.h"

static int set_add(const char *key, struct json_object *value, void *userdata)
{
        struct str_list *list = userdata;

        list->v[list->n++] = key;
        return 0;
}

/* "A JSON structure value because it is a direct JSON serialization of the Go type map[string]struct{}": its names. */
static int read_set(struct arena *a, struct json_object *o, const char *key, struct str_list *ret, struct error *err)
{
        struct json_object *set = NULL;
        int r = json_get_object(o, key, &set, err);

        if (r <= 0)
                return r;
        ret->v = arena_alloc(a, json_member_count(set) + 1, sizeof *ret->v);
        if (!ret->v)
                return no_memory(err);
        json_each(set, set_add, ret);
        return 0;
}

static int run_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct image_config *c = ret;
        struct {
                const char *key;
                struct str_list *list;
        } lists[] = {
                { "Env", &c->env },
                { "Entrypoint", &c->entrypoint },
                { "Cmd", &c->cmd },
                { "Shell", &c->shell },
        };
        int r = read_string(o, "User", &c->user, err);

        if (r == 0)
                r = read_string(o, "WorkingDir", &c->working_dir, err);
        if (r == 0)
                r = read_string(o, "StopSignal", &c->stop_signal, err);
        for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++)
                r = read_str_list(a, o, lists[i].key, lists[i].list, err);
        if (r == 0)
                r = read_set(a, o, "ExposedPorts", &c->exposed_ports, err);
        if (r == 0)
                r = read_set(a, o, "Volumes", &c->volumes, err);
        if (r == 0)
                r = read_str_map(a, o, "Labels", &c->labels, err);
        return r == 0 && json_get_object(o, "Healthcheck", &c->healthcheck, err) < 0 ? -err->code : r;
}

static int rootfs_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct image_config *c = ret;
        const char *type = "layers";
        struct str_list ids = {};
        int r = read_string(o, "type", &type, err);

        if (r == 0 && strcmp(type, "layers") != 0)
                r = unknown_value(err, "type", type);
        if (r == 0)
                r = read_str_list(a, o, "diff_ids", &ids, err);
        if (r < 0)
                return r;
        if (ids.n > MANIFEST_MAX_LAYERS)
                return error_set(err, EFBIG, "diff_ids: %zu layers, more than %d", ids.n, MANIFEST_MAX_LAYERS);
        c->diff_ids = arena_alloc(a, ids.n, sizeof *c->diff_ids);
        if (ids.n && !c->diff_ids)
                return no_memory(err);
        for (size_t i = 0; i < ids.n; i++) {
                if (digest_parse(ids.v[i], &c->diff_ids[i], err) < 0) {
                        at_index(err, i);
                        return at_member(err, "diff_ids");
                }
        }
        c->n_diff_ids = ids.n;
        return 0;
}

static int history_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct image_history *h = ret;
        int r;

        h->created = h->created_by = h->author = h->comment = "";
        r = read_string(o, "created", &h->created, err);
        if (r == 0)
                r = read_string(o, "created_by", &h->created_by, err);
        if (r == 0)
                r = read_string(o, "author", &h->author, err);
        if (r == 0)
                r = read_string(o, "comment", &h->comment, err);
        return r == 0 ? read_bool(o, "empty_layer", &h->empty_layer, err) : r;
}

static int config_read(struct image_config *c, struct error *err)
{
        struct {
                const char *key, **value;
        } strings[] = {
                { "created", &c->created },          { "author", &c->author },
                { "os", &c->platform.os },           { "architecture", &c->platform.architecture },
                { "variant", &c->platform.variant }, { "os.version", &c->platform.os_version },
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(strings) && r == 0; i++)
                r = read_string(c->json, strings[i].key, strings[i].value, err);
        if (r == 0)
                r = read_object(&c->arena, c->json, "config", run_read, c, err);
        if (r == 0)
                r = read_object(&c->arena, c->json, "rootfs", rootfs_read, c, err);
        return r == 0 ? read_objects(&c->arena, c->json, "history", history_read, sizeof *c->history, &c->history,
                                     &c->n_history, err)
                      : r;
}

int image_config_read(const char *text, size_t len, struct image_config *ret, struct error *err)
{
        struct image_config c = {
                .created = "",
                .author = "",
                .user = "",
                .working_dir = "",
                .stop_signal = "",
                .platform = { "", "", "", "" },
        };
        int r;

        if (len > MANIFEST_MAX)
                return error_set(err, EFBIG, "the configuration has %zu bytes, more than %d", len, MANIFEST_MAX);
        r = json_parse(text, len, &c.json, err);
        if (r == 0 && !json_is_object(c.json))
                r = error_set(err, EINVAL, "the configuration is no object");
        if (r == 0)
                r = config_read(&c, err);
        if (r < 0)
                image_config_finish(&c);
        else
                *ret = c;
        return r;
}

void image_config_finish(struct image_config *c)
{
        json_put(c->json);
        arena_finish(&c->arena);
        *c = (struct image_config){};
}
