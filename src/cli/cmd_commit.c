/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/commit_config.h"
#include "cli/image_lookup.h"
#include "cli/instance_select.h"
#include "instance/instance_event.h"
#include "instance/instance_image_make.h"

static int make_config(struct engine *e, const struct instance *i, const struct args *args, struct buf *ret,
                       struct error *err)
{
        own_json struct json_object *whole = NULL;
        own_mem const char **changes = NULL;
        struct json_object *config = NULL;
        struct store *store;
        int r = args_list(args, OPTION_CHANGE, &changes, err);

        if (r == 0)
                r = engine_store(e, &store, err);
        if (r == 0)
                r = image_config_load_json(store, &i->image, &whole, err);
        if (r == 0 && json_get_object(whole, "config", &config, err) < 0)
                r = -EINVAL;
        return r == 0 ? commit_config(i, config, changes, ret, err) : r;
}

/* As Docker tells it: what ran. */
static void describe(const struct instance *i, struct buf *out)
{
        for (const char *const *arg = i->args; *arg; arg++)
                buf_addf(out, "%s%s", out->len ? " " : "", *arg);
}

static int commit(struct engine *e, struct instance *i, const struct args *args, const struct reference *name,
                  struct error *err)
{
        own_image_made struct image_made made = { .pin = -1 };
        own_buf struct buf config = {}, created_by = {};
        struct image_making o = {
                .freeze = !args_has(args, OPTION_PAUSE) || args_flag(args, OPTION_PAUSE),
                .author = args_str(args, OPTION_AUTHOR),
                .comment = args_str(args, OPTION_MESSAGE),
                .name = name,
        };
        int r = make_config(e, i, args, &config, err);

        if (r < 0)
                return r;
        describe(i, &created_by);
        o.config = buf_str(&config);
        o.created_by = buf_str(&created_by);
        r = instance_image_make(e, i, &o, &made, err);
        if (r < 0)
                return r;
        instance_tell(e, i, "commit", (const char *const[]){ "comment", o.comment ? o.comment : "", NULL });
        return output_line(made.id.text, err);
}

int cmd_commit(struct invocation *inv, struct error *err)
{
        const char *text = inv->args.operands[1];
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        struct reference name;
        int r = text ? reference_parse(text, &name, err) : 0;

        if (r == 0 && text && *name.digest.text)
                r = error_set(err, EINVAL, "%s: a name with a digest cannot be given", text);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        return r == 0 ? commit(&e, i, &inv->args, text ? &name : NULL, err) : r;
}
