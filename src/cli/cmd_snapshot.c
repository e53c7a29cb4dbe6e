/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "cli/misuse.h"
#include "cli/snapshot_name.h"
#include "instance/snapshot.h"

/* What each of them begins with. */
static int open_all(struct invocation *inv, struct engine *e, struct instance **ret, char **ret_name, struct error *err)
{
        int r = invocation_engine(inv, e, err);

        return r == 0 ? snapshot_name_find(e, inv->args.operands[0], inv->args.operands[1], ret, ret_name, err) : r;
}

static int need_name(const struct invocation *inv, const char *name, struct error *err)
{
        return name ? 0
                    : error_set(err, EMISUSED, "which snapshot of %s? \"holt snapshot ls %s\" shows them",
                                inv->args.operands[0], inv->args.operands[0]);
}

int cmd_snapshot_create(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_mem char *name = NULL;
        struct snapshot s;
        int r = open_all(inv, &e, &i, &name, err);

        if (r == 0)
                r = snapshot_create(&e, i, name, &s, err);
        return r == 0 ? output_line(s.name, err) : r;
}

int cmd_snapshot_rm(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_buf struct buf users = {};
        own_mem char *name = NULL;
        struct snapshot s;
        int r = open_all(inv, &e, &i, &name, err);

        if (r == 0)
                r = need_name(inv, name, err);
        if (r == 0 && args_flag(&inv->args, OPTION_DRY_RUN)) {
                r = snapshot_find(&e, i, name, &s, err);
                if (r == 0)
                        r = snapshot_users(&e, i, &s, &users, err);
                if (r == 0 && users.len && !args_flag(&inv->args, OPTION_FORCE))
                        r = error_set(err, EBUSY, "snapshot %s is needed by %s: it would stay", name, buf_str(&users));
        } else if (r == 0) {
                r = snapshot_remove(&e, i, name, args_flag(&inv->args, OPTION_FORCE), err);
        }
        return r == 0 ? output_line(name, err) : r;
}

int cmd_snapshot_restore(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        own_mem char *name = NULL;
        struct snapshot s;
        int r = open_all(inv, &e, &i, &name, err);

        if (r == 0)
                r = need_name(inv, name, err);
        /* Nothing is stopped for a snapshot that is not there. */
        if (r == 0)
                r = snapshot_find(&e, i, name, &s, err);
        if (r == 0 && instance_is_running(i) && args_flag(&inv->args, OPTION_FORCE)) {
                r = instance_stop(&e, i, TIMEOUT_OWN, err);
                if (r == 0)
                        r = instance_read_state(&e, i, err);
        }
        if (r == 0)
                r = snapshot_restore(&e, i, name, err);
        return r == 0 ? output_line(inv->args.operands[0], err) : r;
}
