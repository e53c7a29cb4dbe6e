/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "programs/oci/invocation.h"

int cmd_delete(struct invocation *inv, struct error *err)
{
        bool force = args_flag(&inv->args, OPTION_FORCE);
        own_container struct container c = {};
        int r;

        r = invocation_container(inv, &c, err);
        if (r == -ENOENT && force)
                return 0;
        return r < 0 ? r : container_delete(&c, force, err);
}
