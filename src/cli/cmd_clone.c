/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/misuse.h"
#include "cli/snapshot_name.h"
#include "instance/instance_lock.h"
#include "instance/snapshot.h"

int cmd_clone(struct invocation *inv, struct error *err)
{
        const char *name = args_str(&inv->args, OPTION_NAME);
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL, *clone = NULL;
        own_mem char *snapshot = NULL;
        struct clone_options o = { .full = args_flag(&inv->args, OPTION_FULL) };
        int r;

        if (o.full && args_flag(&inv->args, OPTION_LINKED))
                return error_set(err, EMISUSED, "--full and --linked exclude each other");
        if (name && inv->args.operands[1])
                return error_set(err, EMISUSED, "--name and %s: one name is enough", inv->args.operands[1]);
        r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = snapshot_name_find(&e, inv->args.operands[0], NULL, &i, &snapshot, err);
        if (r < 0)
                return r;
        o.name = name ? name : inv->args.operands[1];
        o.snapshot = snapshot;
        r = instance_clone(&e, i, &o, &clone, err);
        if (r < 0)
                return r;
        instance_unlock(&e, clone->id, &clone->lock);
        return output_line(clone->id, err);
}
