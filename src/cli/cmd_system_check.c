/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/instance_check.h"
#include "cli/instance_select.h"
#include "cli/mover.h"
#include "cli/text_line.h"

struct check {
        struct buf out;
        struct buf layers; /* JSON strings, to be verified at the end: by one holt-fetch, not one for each */
        unsigned bad;
};

static void on_found(void *userdata, const char *what, bool repaired)
{
        struct check *c = userdata;

        text_add_line(&c->out, what, 0);
        buf_add_str(&c->out, repaired ? " (repaired)\n" : "\n");
}

static int on_layer(void *userdata, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err)
{
        struct check *c = userdata;

        buf_addf(&c->layers, "%s\"%s\"", c->layers.len ? "," : "", info->diff_id.text);
        return 0;
}

static int on_result(void *userdata, struct json_object *result)
{
        const char *diff_id = "", *error = NULL;
        struct check *c = userdata;

        if (json_get_string(result, "diff_id", &diff_id, NULL) < 0 ||
            json_get_string(result, "error", &error, NULL) < 0)
                return -1;
        if (!error)
                return 0;
        c->bad++;
        buf_addf(&c->out, "layer %s: ", diff_id);
        text_add_line(&c->out, error, 0);
        buf_add_str(&c->out, "\n");
        return 0;
}

static int verify(struct check *c, const struct invocation *inv, struct store *store, struct error *err)
{
        own_buf struct buf parameters = {};
        own_mover struct mover m = {};
        int r;

        if (!c->layers.len)
                return 0;
        buf_addf(&parameters, "{\"layers\":[%s]}", buf_str(&c->layers));
        r = mover_open(&m, inv, store, "verifying", err);
        return r < 0 ? r : mover_run(&m, "verify", &parameters, -1, on_result, c, err);
}

static int check(struct check *c, struct invocation *inv, struct engine *e, struct store *store, struct error *err)
{
        bool content = args_flag(&inv->args, OPTION_VERIFY);
        struct store_checker checker = {
                .repair = args_flag(&inv->args, OPTION_REPAIR),
                .found = on_found,
                .verify = content ? on_layer : NULL,
                .userdata = c,
        };
        const struct instance_checker between = { checker.repair, content, on_found, c };
        int left = store_check(store, &checker, err), more = left < 0 ? left : instance_check(e, &between, err), r;

        if (more < 0)
                return more;
        r = content ? verify(c, inv, store, err) : 0;
        if (r < 0)
                return r;
        inv->exit_status = left + more + (int)c->bad > 0;
        if (!c->out.len)
                buf_add_str(&c->out, "The store is in order\n");
        return output_write(&c->out, err);
}

static int open_and_check(struct check *c, struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        struct store *store = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = engine_store(&e, &store, err);
        return r < 0 ? r : check(c, inv, &e, store, err);
}

/* Of a damaged database, a new one is made from the files, and looked through then. */
static int rebuild(struct check *c, struct invocation *inv, struct error *err)
{
        int r = store_rebuild(inv->root, inv->run, err);

        if (r < 0)
                return error_wrap(err, "make the damaged database anew");
        buf_finish(&c->out);
        buf_finish(&c->layers);
        on_found(c, "the database was damaged, and is made anew from the files; the old one is holt.db.damaged", true);
        return open_and_check(c, inv, err);
}

int cmd_system_check(struct invocation *inv, struct error *err)
{
        struct check c = {};
        int r = open_and_check(&c, inv, err);

        if (r == -EUCLEAN && args_flag(&inv->args, OPTION_REPAIR))
                r = rebuild(&c, inv, err);
        buf_finish(&c.out);
        buf_finish(&c.layers);
        return r;
}
