/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/vm_template.h"

static int try_one(struct engine *e, const char *name, struct error *err)
{
        own_vm_template struct vm_template t = {};
        own_buf struct buf users = {};
        int r = vm_template_find(e, name, &t, err);

        if (r == 0)
                r = vm_template_users(e, name, &users, err);
        return r == 0 && users.len
                       ? error_set(err, EBUSY, "template %s is needed by %s: it would stay", name, buf_str(&users))
                       : r;
}

int cmd_template_rm(struct invocation *inv, struct error *err)
{
        bool dry = args_flag(&inv->args, OPTION_DRY_RUN);
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        for (unsigned n = 0; r == 0 && n < inv->args.n_operands; n++) {
                const char *name = inv->args.operands[n];
                int q = dry ? try_one(&e, name, err) : vm_template_remove(&e, name, err);

                if (q == 0) {
                        r = output_line(name, err);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        return r;
}
