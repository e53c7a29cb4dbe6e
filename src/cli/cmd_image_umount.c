/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/image_lookup.h"
#include "cli/image_place.h"

static int unmount(struct store *s, const struct image_info *info, struct error *err)
{
        own_buf struct buf line = {};
        int r = image_place_unmount(s, &info->id, err);

        buf_addf(&line, "%s\n", info->id.text);
        return r < 0 ? r : output_write(&line, err);
}

static int unmount_all(struct store *s, struct error *err)
{
        own_image_list struct image_list images = {};
        int r = image_list_all(s, &images, err);

        for (size_t i = 0; r == 0 && i < images.n; i++) {
                r = image_place_find(s, &images.items[i]->id, NULL, err);
                if (r == 1)
                        r = unmount(s, images.items[i], err);
        }
        return r;
}

static int unmount_one(struct store *s, const char *name, struct error *err)
{
        own_mem struct image_info *info = NULL;
        int r = image_find(s, name, &info, err);

        return r < 0 ? r : unmount(s, info, err);
}

int cmd_image_umount(struct invocation *inv, struct error *err)
{
        bool all = args_flag(&inv->args, OPTION_ALL);
        own_store struct store *store = NULL;
        int r;

        if (all != !inv->args.n_operands)
                return error_set(err, EMISUSED, "either images or --all");
        r = invocation_store(inv, &store, err);
        if (r == 0 && all)
                return unmount_all(store, err);
        for (unsigned i = 0; r == 0 && i < inv->args.n_operands; i++)
                r = unmount_one(store, inv->args.operands[i], err);
        return r;
}
