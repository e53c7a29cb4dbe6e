/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/invocation.h"
#include "programs/oci/owner.h"

int cmd_state(struct invocation *inv, struct error *err)
{
        own_container struct container c = { .rootfd = -1, .statefd = -1 };
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out, .indent = 2 };
        char owner[OWNER_NAME_MAX];
        int r;

        r = invocation_container(inv, &c, err);
        if (r < 0)
                return r;
        owner_name(c.owner, owner);
        r = container_state(&c, owner, &w, err);
        if (r < 0)
                return r;
        buf_add(&out, "\n", 1);
        return output_write(&out, err);
}
