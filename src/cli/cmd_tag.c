/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/image_event.h"

int cmd_tag(struct invocation *inv, struct error *err)
{
        own_mem struct image_info *info = NULL;
        own_store struct store *store = NULL;
        own_buf struct buf shown = {};
        char **operands = inv->args.operands;
        struct reference name;
        int r = reference_parse(operands[1], &name, err);

        if (r == 0 && *name.digest.text)
                r = error_set(err, EINVAL, "%s: a name with a digest cannot be given", operands[1]);
        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = image_find(store, operands[0], &info, err);
        if (r == 0)
                r = store_image_tag(store, &info->id, &name, err);
        if (r < 0)
                return r;
        reference_add_short_name(&shown, &name);
        buf_addf(&shown, ":%s", name.tag);
        image_tell(store, "tag", info->id.text, buf_str(&shown));
        return 0;
}
