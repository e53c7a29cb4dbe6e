/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_prune.h"

#include <errno.h>
#include <stddef.h>

#include "cli/image_remove.h"

static void tell(struct buf *out, const struct image_info *info)
{
        for (const char *const *name = info->names; *name; name++) {
                buf_add_str(out, "untagged: ");
                image_add_short_name(out, *name);
                buf_add_str(out, "\n");
        }
        for (const char *const *digest = info->digests; *digest; digest++) {
                buf_add_str(out, "untagged: ");
                image_add_short_name(out, *digest);
                buf_add_str(out, "\n");
        }
        buf_addf(out, "deleted: %s\n", info->id.text);
}

static int prune_one(struct store *s, const struct image_filter *filter, const struct image_info *info, bool all,
                     struct buf *out, struct error *err)
{
        int r = image_filter_matches(filter, info, err);

        if (r <= 0 || (*info->names && !all))
                return r < 0 ? r : 0;
        r = image_delete(s, &info->id, err);
        if (r == 0)
                tell(out, info);
        /* In use, or another process was faster. */
        return r == -EBUSY || r == -ENOENT ? 0 : r;
}

int image_prune(struct store *s, const struct args *args, bool all, struct prune_result *ret, struct error *err)
{
        static const char *const known[] = { "until", "label", "dangling", NULL };
        own_image_list struct image_list images = {};
        own_image_filter struct image_filter filter = {};
        struct store_usage before = {}, after = {};
        struct store_collected collected = {};
        int r = image_filter_open(&filter, s, args, OPTION_FILTER, known, err);

        if (r == 0)
                r = store_usage(s, &before, err);
        if (r == 0)
                r = image_list_all(s, &images, err);
        /* Docker's older word for -a. */
        all = all || (filter.has_dangling && !filter.dangling);
        filter.has_dangling = false;
        for (size_t i = 0; r == 0 && i < images.n; i++)
                r = prune_one(s, &filter, images.items[i], all, &ret->removed, err);
        if (r == 0)
                r = store_collect(s, &collected, err);
        if (r == 0)
                r = store_usage(s, &after, err);
        if (r < 0)
                return r;
        if (before.layer_bytes + before.blob_bytes > after.layer_bytes + after.blob_bytes)
                ret->bytes = before.layer_bytes + before.blob_bytes - after.layer_bytes - after.blob_bytes;
        if (collected.bytes > ret->bytes)
                ret->bytes = collected.bytes;
        return 0;
}
