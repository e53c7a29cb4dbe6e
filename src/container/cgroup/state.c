/* SPDX-License-Identifier: Apache-2.0 */
/* The plan on its way to a file and back. */
#include "container/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "container/cgroup/path.h"

void cgroup_save(const struct cgroup *cg, struct json_writer *w, const char *key)
{
        json_begin_object(w, key);
        json_write_bool(w, "unified", cg->unified);
        json_write_bool(w, "rootless", cg->rootless);
        if (cg->split)
                json_write_bool(w, "split", true);
        if (cg->systemd) {
                json_write_string(w, "slice", cg->slice);
                json_write_string(w, "scope", cg->scope);
        }
        json_begin_array(w, "hierarchies");
        for (size_t i = 0; i < cg->n; i++) {
                json_begin_object(w, NULL);
                json_write_string(w, "name", cg->h[i].name);
                json_write_string(w, "root", cg->h[i].root);
                if (cg->h[i].path)
                        json_write_string(w, "path", cg->h[i].path);
                json_end_object(w);
        }
        json_end_array(w);
        json_end_object(w);
}

static int load_string(struct cgroup *cg, struct json_object *obj, const char *key, const char **ret, struct error *err)
{
        const char *s;
        int r = json_get_string(obj, key, &s, err);

        if (r <= 0)
                return r;
        *ret = arena_strdup(&cg->arena, s);
        return *ret ? 1 : error_set(err, ENOMEM, "out of memory");
}

/* A path that is not clean was not written by us, and must not decide what gets removed. */
static bool is_clean(const char *path)
{
        char copy[PATH_MAX];

        return path[0] == '/' && strlen(path) < sizeof copy && cgroup_path_clean(path, copy) == 0 &&
               strcmp(path, copy) == 0 && path[1];
}

static int load_hierarchy(struct cgroup *cg, struct json_object *item, struct error *err)
{
        struct cgroup_hierarchy *h = &cg->h[cg->n];
        int r;

        if (!json_is_object(item) || cg->n == CGROUP_MAX_HIERARCHIES)
                return error_set(err, EINVAL, "malformed list of cgroup hierarchies");
        *h = (struct cgroup_hierarchy){ .fd = -1, .tasks_fd = -1, .payload_fd = -1 };
        cg->n++;
        r = load_string(cg, item, "name", &h->name, err);
        if (r >= 0)
                r = load_string(cg, item, "root", &h->root, err);
        if (r >= 0)
                r = load_string(cg, item, "path", &h->path, err);
        if (r < 0)
                return r;
        if (!h->name || !h->root || !is_clean(h->root) || (h->path && !is_clean(h->path)))
                return error_set(err, EINVAL, "malformed cgroup hierarchy");
        return 0;
}

static int load(struct cgroup *cg, struct json_object *obj, struct error *err)
{
        struct json_object *list;
        int r;

        r = json_get_bool(obj, "unified", &cg->unified, err);
        if (r >= 0)
                r = json_get_bool(obj, "rootless", &cg->rootless, err);
        if (r >= 0)
                r = json_get_bool(obj, "split", &cg->split, err);
        if (r >= 0)
                r = load_string(cg, obj, "slice", &cg->slice, err);
        if (r >= 0)
                r = load_string(cg, obj, "scope", &cg->scope, err);
        if (r < 0)
                return r;
        cg->systemd = cg->scope && cg->slice;
        r = json_get_array(obj, "hierarchies", &list, err);
        for (size_t i = 0; r > 0 && i < json_array_size(list); i++) {
                if (load_hierarchy(cg, json_array_item(list, i), err) < 0)
                        return -err->code;
        }
        return r < 0 ? r : 0;
}

int cgroup_load(struct cgroup *ret, struct json_object *obj, struct error *err)
{
        struct cgroup cg = {};
        struct error local = {};
        int r = load(&cg, obj, &local);

        if (r < 0) {
                cgroup_finish(&cg);
                return error_set(err, -r, "cgroups: %s", local.text);
        }
        *ret = cg;
        return 0;
}
