/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/user_range.h"
#include "instance/user_rights.h"
#include "instance/volume_store.h"
#include "store/layer_mount.h"

enum { SHORT_ID = 12 };

/* As making it would say it. */
static int check_name(struct engine *e, const struct instance *i, struct error *err)
{
        own_instance struct instance *other = NULL;
        const char *name = i->options.name;
        struct error ignored;

        if (!name || instance_find(e, name, &other, &ignored) < 0 || strcmp(other->name, name) != 0)
                return 0;
        return error_set(err, EEXIST,
                         "the name \"%s\" is in use by instance %.*s; remove or rename that one, or take "
                         "another name",
                         name, SHORT_ID, other->id);
}

/* Where nobody else sees it. */
static int mount_image(struct engine *e, const struct image_info *image, struct error *err)
{
        const struct image_mount_options o = { .upper_fd = -1, .work_fd = -1, .warn = e->warn };
        struct store *store;
        int r = user_rights_take(e, NULL, err);

        if (r == 0)
                r = engine_own_mounts(e, err);
        if (r == 0)
                r = engine_store(e, &store, err);
        return r == 0 ? image_mount(store, image->diff_ids, image->n_layers, &o, err) : r;
}

/* Something to run, so that all else can be checked. */
static int take_unknown_image(struct instance *i, struct error *err)
{
        static const char *unknown[] = { "unknown", NULL };

        i->config = calloc(1, sizeof *i->config);
        if (!i->config)
                return error_set(err, ENOMEM, "out of memory");
        i->config->user = i->config->working_dir = i->config->stop_signal = "";
        i->config->cmd = (struct str_list){ 1, unknown };
        return 0;
}

static void write_life(struct json_writer *w, const struct instance_options *o)
{
        uint32_t n_ids;

        if (o->name)
                json_write_string(w, "Name", o->name);
        json_write_bool(w, "AutoRemove", o->rm);
        json_write_string(w, "RestartPolicy", o->restart ? o->restart : "no");
        json_write_string(w, "LogDriver", o->log_driver ? o->log_driver : "json-file");
        /* The options have been checked. */
        if (user_range_read_flag(o->userns, &n_ids, NULL) > 0)
                json_write_string(w, "UsernsMode", o->userns);
        if (o->stop_signal)
                json_write_string(w, "StopSignal", o->stop_signal);
}

static bool is_new(struct engine *e, const struct instance_mount *m)
{
        own_volume_info struct volume_info v = {};
        struct error ignored;

        return m->name ? volume_find(e, m->name, &v, &ignored) < 0 : access(m->source, F_OK) < 0;
}

static void write_volumes(struct engine *e, struct json_writer *w, const struct instance_mounts *mounts)
{
        json_begin_array(w, "Volumes");
        for (size_t i = 0; i < mounts->n; i++) {
                const struct instance_mount *m = &mounts->items[i];

                json_begin_object(w, NULL);
                json_write_string(w, "Type", m->type);
                if (m->name)
                        json_write_string(w, "Name", m->name);
                json_write_string(w, "Source", m->source);
                json_write_string(w, "Destination", m->destination);
                json_write_string(w, "Mode", m->options);
                json_write_bool(w, "Anonymous", m->anonymous);
                json_write_bool(w, "New", strcmp(m->type, "image") != 0 && is_new(e, m));
                json_end_object(w);
        }
        json_end_array(w);
}

static int explain(struct engine *e, struct instance *i, const struct image_info *image, struct json_writer *w,
                   struct error *err)
{
        own_instance_mounts struct instance_mounts mounts = {};
        own_buf struct buf spec = {};
        int root = -1, r = check_name(e, i, err);

        write_life(w, &i->options);
        if (r == 0)
                r = instance_plan_network(e, i, w, err);
        if (r == 0)
                r = instance_mounts_plan(e, i, &mounts, err);
        if (r == 0)
                write_volumes(e, w, &mounts);
        if (r == 0)
                r = image ? root = mount_image(e, image, err) : take_unknown_image(i, err);
        if (r >= 0)
                r = instance_plan_config(e, i, &mounts, root, &spec, err);
        if (r == 0 && image)
                json_write_raw(w, "Spec", buf_str(&spec));
        return r;
}

int instance_explain(struct engine *e, const struct image_info *image, const char *image_name,
                     struct instance_options *options, struct json_writer *w, struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_plan(e, image, image_name, options, &i, err);

        return r == 0 ? explain(e, i, image, w, err) : r;
}
