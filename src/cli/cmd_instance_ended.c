/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not for people: what a shim executes when its instance has ended for good and nobody waits who would clean up. Its
 * lock on the instance is descriptor 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/instance_select.h"

enum { LOCK_FD = 3 };

/* The instance as it was read, with the shim's lock. */
static int clean_up(struct engine *e, struct instance *i, struct error *err)
{
        i->lock = fcntl(LOCK_FD, F_DUPFD_CLOEXEC, LOCK_FD);
        if (i->lock < 0)
                return error_errno(err, errno, "take over the shim's lock");
        return instance_clean_up(e, i, err);
}

int cmd_instance_ended(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        own_instance struct instance *i = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = instance_find(&e, inv->args.operands[0], &i, err);
        return r == 0 ? clean_up(&e, i, err) : r;
}
