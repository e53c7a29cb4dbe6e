/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/misuse.h"
#include "cli/snapshot_name.h"
#include "instance/instance_lock.h"
#include "instance/snapshot.h"
#include "net/port.h"

/* One empty value stands for no ports at all. */
static int read_ports(const char **list, struct clone_options *o, struct error *err)
{
        own_port_wishes struct port_wishes wishes = {};
        int r = 0;

        o->publish = list;
        if (!list || (!*list[0] && !list[1]))
                return 0;
        while (r == 0 && list[o->n_publish])
                r = port_wishes_add(&wishes, list[o->n_publish++], err);
        return r < 0 ? error_wrap(err, "--publish") : 0;
}

int cmd_clone(struct invocation *inv, struct error *err)
{
        const char *name = args_str(&inv->args, OPTION_NAME);
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL, *clone = NULL;
        own_mem const char **ports = NULL;
        own_mem char *snapshot = NULL;
        struct clone_options o = { .full = args_flag(&inv->args, OPTION_FULL),
                                   .live = args_flag(&inv->args, OPTION_LIVE) };
        int r;

        if (o.full && args_flag(&inv->args, OPTION_LINKED))
                return error_set(err, EMISUSED, "--full and --linked exclude each other");
        if (o.full && o.live)
                return error_set(err, EMISUSED,
                                 "--full and --live exclude each other: what runs has its layers in use");
        if (name && inv->args.operands[1])
                return error_set(err, EMISUSED, "--name and %s: one name is enough", inv->args.operands[1]);
        r = args_list(&inv->args, OPTION_PUBLISH, &ports, err);
        if (r == 0)
                r = read_ports(ports, &o, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = snapshot_name_find(&e, inv->args.operands[0], NULL, &i, &snapshot, err);
        if (r == 0 && o.live && snapshot)
                r = error_set(err, EMISUSED, "--live: a snapshot has files alone");
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
