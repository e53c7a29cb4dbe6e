/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/volume_store.h"

static int try_one(struct engine *e, const char *name, bool force, struct error *err)
{
        own_volume_info struct volume_info v = {};
        int r = volume_find(e, name, &v, err);

        if (r == -ENOENT && force)
                return 0;
        if (r == 0)
                r = volume_is_used(e, name, err);
        return r > 0 ? error_set(err, EBUSY, "volume %s is used: it would stay", name) : r;
}

int cmd_volume_rm(struct invocation *inv, struct error *err)
{
        bool force = args_flag(&inv->args, OPTION_FORCE), dry = args_flag(&inv->args, OPTION_DRY_RUN);
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        for (unsigned n = 0; r == 0 && n < inv->args.n_operands; n++) {
                const char *name = inv->args.operands[n];
                int q = dry ? try_one(&e, name, force, err) : volume_remove(&e, name, force, err);

                if (q == 0) {
                        r = output_line(name, err);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        return r;
}
