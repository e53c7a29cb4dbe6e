/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "programs/oci/invocation.h"
#include "programs/oci/log.h"

int cmd_delete(struct invocation *inv, struct error *err)
{
        bool force = args_flag(&inv->args, OPTION_FORCE);
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r;

        r = invocation_container(inv, &c, err);
        if (r == -ENOENT && force)
                return 0;
        if (r < 0)
                return r;
        r = container_delete(&c, force, err);
        log_warning(inv, &c.warning);
        return r;
}
