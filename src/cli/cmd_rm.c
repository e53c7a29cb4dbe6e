/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/instance_select.h"
#include "instance/volume_store.h"

struct removal {
        bool force, volumes, dry;
};

static int add_volume(void *userdata, const char *name)
{
        buf_addf(userdata, "volume %s\n", name);
        return 0;
}

static int try_one(const struct removal *r, struct engine *e, struct instance *i, struct error *err)
{
        own_buf struct buf volumes = {};
        int q = 0;

        if (instance_is_running(i) && !r->force)
                return error_set(err, EBUSY, "instance %s is %s: it would stay", i->name,
                                 instance_status_name(i->state.status));
        if (r->volumes || i->options.rm)
                q = instance_volumes_look(e, i, add_volume, &volumes, err);
        return q < 0 || !volumes.len ? q : output_write(&volumes, err);
}

static int remove_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        const struct removal *r = userdata;

        if (r->dry)
                return try_one(r, e, i, err);
        return instance_remove(e, i, r->force, r->volumes, err);
}

static bool does_not_run(const struct instance *i)
{
        return !instance_is_running(i);
}

/* --force minds neither what is not there nor what is damaged. */
static int remove_forced(struct invocation *inv, struct removal *removal, struct engine *e, const char *name,
                         struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_find_any(e, name, &i, err);

        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = remove_one(removal, e, i, err);
        if (r == 0)
                return output_line(name, err);
        report_error(err->text);
        inv->exit_status = 1;
        return 0;
}

static int remove_named(struct invocation *inv, struct removal *removal, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        for (unsigned n = 0; r == 0 && n < inv->args.n_operands; n++)
                r = remove_forced(inv, removal, &e, inv->args.operands[n], err);
        return r;
}

/* Their ids, each with its NUL. */
static int add_id(void *userdata, struct instance *i)
{
        buf_add(userdata, i->id, sizeof i->id);
        return 0;
}

static int remove_all(struct invocation *inv, struct removal *removal, struct error *err)
{
        own_engine struct engine e = {};
        own_buf struct buf ids = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instances(&e, add_id, &ids, err);
        if (r == 0 && buf_failed(&ids))
                r = error_set(err, ENOMEM, "out of memory");
        for (size_t at = 0; r == 0 && at < ids.len; at += INSTANCE_ID_LEN + 1)
                r = remove_forced(inv, removal, &e, ids.data + at, err);
        return r;
}

int cmd_rm(struct invocation *inv, struct error *err)
{
        struct removal removal = { .force = args_flag(&inv->args, OPTION_FORCE),
                                   .volumes = args_flag(&inv->args, OPTION_VOLUMES),
                                   .dry = args_flag(&inv->args, OPTION_DRY_RUN) };

        if (removal.force && inv->args.n_operands && !args_flag(&inv->args, OPTION_ALL))
                return remove_named(inv, &removal, err);
        if (removal.force && !inv->args.n_operands && args_flag(&inv->args, OPTION_ALL))
                return remove_all(inv, &removal, err);
        return instance_act(inv, removal.force ? NULL : does_not_run, remove_one, &removal, err);
}
