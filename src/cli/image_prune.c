/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_prune.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/image_event.h"
#include "cli/image_place.h"
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

struct ownership {
        const struct image_prune *prune;
        bool needed;
};

static int look_at_owner(void *userdata, const char *owner)
{
        struct ownership *o = userdata;

        o->needed = !o->prune->is_gone || !o->prune->is_gone(o->prune->userdata, owner);
        return o->needed;
}

/* 1 when it may go. */
static int is_doomed(const struct image_prune *p, const struct image_filter *filter, const struct image_info *info,
                     struct error *err)
{
        struct ownership o = { .prune = p };
        int r = *info->names && !p->all ? 0 : image_filter_matches(filter, info, err);

        if (r <= 0)
                return r;
        r = image_place_find(p->store, &info->id, NULL, err);
        if (r != 0)
                return r < 0 ? r : 0;
        r = store_image_owners(p->store, &info->id, look_at_owner, &o, err);
        return r < 0 ? r : !o.needed;
}

/* Keeps those that may go. */
static int choose(struct image_prune *p, const struct image_filter *filter, struct error *err)
{
        size_t kept = 0;
        int r = 0;

        for (size_t i = 0; i < p->doomed.n; i++) {
                struct image_info *info = p->doomed.items[i];

                if (r >= 0)
                        r = is_doomed(p, filter, info, err);
                if (r > 0)
                        p->doomed.items[kept++] = info;
                else
                        free(info);
        }
        p->doomed.n = kept;
        return r < 0 ? r : 0;
}

int image_prune_find(struct image_prune *p, const struct args *args, struct error *err)
{
        static const char *const known[] = { "until", "label", "dangling", NULL };
        own_image_filter struct image_filter filter = {};
        int r = image_filter_open(&filter, p->store, args, OPTION_FILTER, known, err);

        if (r == 0)
                r = image_list_all(p->store, &p->doomed, err);
        if (r < 0)
                return r;
        /* Docker's older word for -a. */
        p->all = p->all || (filter.has_dangling && !filter.dangling);
        filter.has_dangling = false;
        return choose(p, &filter, err);
}

void image_prune_finish(struct image_prune *p)
{
        image_list_finish(&p->doomed);
}

void image_prune_list(const struct image_prune *p, struct buf *out)
{
        for (size_t i = 0; i < p->doomed.n; i++) {
                const struct image_info *info = p->doomed.items[i];
                const char *const *names = *info->names ? info->names : info->digests;

                buf_addf(out, "  image    %.12s ", digest_hex(&info->id));
                for (size_t n = 0; names[n]; n++) {
                        buf_add_str(out, n ? ", " : " ");
                        image_add_short_name(out, names[n]);
                }
                buf_add_str(out, "\n");
        }
}

static int remove_one(const struct image_prune *p, const struct image_info *info, struct buf *out, struct error *err)
{
        int r = image_delete(p->store, &info->id, err);

        if (r == 0) {
                tell(out, info);
                image_tell(p->store, "delete", info->id.text, info->id.text);
        }
        /* In use, or another process was faster. */
        return r == -EBUSY || r == -ENOENT ? 0 : r;
}

int image_prune_do(const struct image_prune *p, struct prune_result *ret, struct error *err)
{
        struct store_usage before = {}, after = {};
        struct store_collected collected = {};
        int r = store_usage(p->store, &before, err);

        for (size_t i = 0; r == 0 && i < p->doomed.n; i++)
                r = remove_one(p, p->doomed.items[i], &ret->removed, err);
        if (r == 0)
                r = store_collect(p->store, &collected, err);
        if (r == 0)
                r = store_usage(p->store, &after, err);
        if (r < 0)
                return r;
        if (before.layer_bytes + before.blob_bytes > after.layer_bytes + after.blob_bytes)
                ret->bytes = before.layer_bytes + before.blob_bytes - after.layer_bytes - after.blob_bytes;
        if (collected.bytes > ret->bytes)
                ret->bytes = collected.bytes;
        prune_tell(store_run(p->store), "image", ret->bytes);
        return 0;
}
