/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/vm_template.h"

int cmd_template_create(struct invocation *inv, struct error *err)
{
        const char *name = inv->args.operands[0];
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[1], &i, err);
        if (r == 0)
                r = vm_template_create(&e, i, name, err);
        return r == 0 ? output_line(name, err) : r;
}
