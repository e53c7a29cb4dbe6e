/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/invocation.h"

int cmd_resume(struct invocation *inv, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        int r = invocation_container(inv, &c, err);

        return r < 0 ? r : container_pause(&c, false, err);
}
