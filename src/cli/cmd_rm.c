/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/instance_select.h"

struct removal {
        bool force, volumes, dry;
};

static int remove_one(void *userdata, struct engine *e, struct instance *i, struct error *err)
{
        const struct removal *r = userdata;

        if (r->dry)
                return instance_is_running(i) && !r->force ? error_set(err, EBUSY, "instance %s is %s: it would stay",
                                                                       i->name, instance_status_name(i->state.status))
                                                           : 0;
        return instance_remove(e, i, r->force, r->volumes, err);
}

static bool does_not_run(const struct instance *i)
{
        return !instance_is_running(i);
}

/* --force does not mind what is not there. */
static int remove_forced(struct invocation *inv, struct removal *removal, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        for (unsigned n = 0; r == 0 && n < inv->args.n_operands; n++) {
                own_instance struct instance *i = NULL;
                int q = instance_find(&e, inv->args.operands[n], &i, err);

                if (q == -ENOENT)
                        continue;
                if (q == 0)
                        q = remove_one(removal, &e, i, err);
                if (q == 0) {
                        r = output_line(inv->args.operands[n], err);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        return r;
}

int cmd_rm(struct invocation *inv, struct error *err)
{
        struct removal removal = { .force = args_flag(&inv->args, OPTION_FORCE),
                                   .volumes = args_flag(&inv->args, OPTION_VOLUMES),
                                   .dry = args_flag(&inv->args, OPTION_DRY_RUN) };

        if (removal.force && inv->args.n_operands)
                return remove_forced(inv, &removal, err);
        return instance_act(inv, removal.force ? NULL : does_not_run, remove_one, &removal, err);
}
