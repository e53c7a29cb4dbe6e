/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_inspect.h"
#include "cli/image_lookup.h"
#include "cli/inspect.h"

static int write_one(void *store, const char *name, struct json_writer *w, struct error *err)
{
        return image_inspect(store, name, w, err);
}

int cmd_image_inspect(struct invocation *inv, struct error *err)
{
        own_store struct store *store = NULL;
        int r = invocation_store(inv, &store, err);

        return r == 0 ? inspect_operands(inv, write_one, store, err) : r;
}
