/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_prune.h"

#include "base/own.h"
#include "instance/volume_store.h"

void instance_prune_show(const struct instance_list *doomed, const char *before, struct buf *out)
{
        for (size_t n = 0; n < doomed->n; n++)
                buf_addf(out, "  %s%.12s  %s\n", before, doomed->items[n]->id, doomed->items[n]->name);
}

static int remove_instance(struct engine *e, struct prune_item *item, struct error *err)
{
        struct error ignored;

        (void)instance_size(item->object, &item->bytes, &ignored);
        return instance_remove(e, item->object, false, false, err);
}

uint64_t instance_prune_do(const struct instance_list *doomed, struct engine *e, const char *title,
                           struct invocation *inv, struct buf *out)
{
        own_prune_list struct prune_list l = { .e = e, .title = title, .remove = remove_instance };
        struct error failure;

        for (size_t n = 0; n < doomed->n; n++) {
                if (prune_list_add(&l, doomed->items[n]->id, doomed->items[n], 0, &failure) < 0) {
                        report_error(failure.text);
                        inv->exit_status = 1;
                        break;
                }
        }
        return prune_list_remove(&l, inv, out);
}

static int remove_volume(struct engine *e, struct prune_item *item, struct error *err)
{
        return volume_remove(e, item->name, true, err);
}

struct prune_list volume_prune_list(struct engine *e)
{
        return (struct prune_list){ .e = e, .title = "Deleted Volumes:", .remove = remove_volume, .may_be_used = true };
}
