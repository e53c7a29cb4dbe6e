/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/machine_prune.h"

#include <string.h>

#include "base/own.h"
#include "instance/vm_boot.h"
#include "instance/vm_care.h"

static int remove_one(struct engine *e, struct prune_item *item, struct error *err)
{
        return vm_care_remove(e, item->name, err);
}

struct prune_list machine_prune_list(struct engine *e)
{
        return (struct prune_list){
                .e = e, .title = "Deleted Machine Templates:", .remove = remove_one, .may_be_used = true
        };
}

static bool wants_label(const struct instance_filter *filter)
{
        for (size_t i = 0; i < filter->filters.n; i++)
                if (strcmp(filter->filters.items[i].key, "label") == 0 && !filter->filters.items[i].negated)
                        return true;
        return false;
}

int machine_prune_find(struct prune_list *l, const struct instance_filter *filter, bool all, struct error *err)
{
        own_mem struct vm_care_entry *v = NULL;
        size_t n = 0;
        int r = wants_label(filter) ? 0 : vm_care_list(l->e, &v, &n, err);

        for (size_t i = 0; r == 0 && i < n; i++) {
                if (filter->until && v[i].made >= filter->until / 1000000000)
                        continue;
                if (all || !v[i].is_needed)
                        r = prune_list_add(l, v[i].key, NULL, v[i].bytes, err);
        }
        return r;
}

/* ---- what they boot from ---- */

static int remove_boot_file(struct engine *e, struct prune_item *item, struct error *err)
{
        return vm_boot_remove(e, item->name, err);
}

struct prune_list machine_boot_prune_list(struct engine *e)
{
        return (struct prune_list){
                .e = e, .title = "Deleted Machine Boot Files:", .remove = remove_boot_file, .may_be_used = true
        };
}

int machine_boot_prune_find(struct prune_list *l, const struct instance_filter *filter, bool all, struct error *err)
{
        own_mem struct vm_boot_file *v = NULL;
        size_t n = 0;
        int r = wants_label(filter) ? 0 : vm_boot_list(l->e, &v, &n, err);

        for (size_t i = 0; r == 0 && i < n; i++) {
                if (filter->until && v[i].made >= filter->until / 1000000000)
                        continue;
                if (!v[i].is_used && (all || !v[i].is_current))
                        r = prune_list_add(l, v[i].name, NULL, v[i].bytes, err);
        }
        return r;
}
