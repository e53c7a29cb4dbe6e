/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prune_list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "cli/confirm.h"
#include "cli/human.h"

void prune_list_finish(struct prune_list *l)
{
        arena_finish(&l->arena);
        free(l->items);
        *l = (struct prune_list){};
}

int prune_list_add(struct prune_list *l, const char *name, void *object, uint64_t bytes, struct error *err)
{
        const char *copy = arena_strdup(&l->arena, name);

        if (!copy || array_grow(&l->items, &l->cap, l->n + 1, sizeof *l->items) < 0)
                return error_set(err, ENOMEM, "out of memory");
        l->items[l->n++] = (struct prune_item){ copy, object, bytes };
        return 0;
}

void prune_list_show(const struct prune_list *l, const char *before, struct buf *out)
{
        for (size_t i = 0; i < l->n; i++) {
                char size[HUMAN_SIZE_MAX];

                buf_addf(out, "  %s%s", before ? before : "", l->items[i].name);
                human_size(l->items[i].bytes, 3, size);
                buf_addf(out, "%s%s\n", l->items[i].bytes ? "  " : "", l->items[i].bytes ? size : "");
        }
}

uint64_t prune_list_remove(struct prune_list *l, struct invocation *inv, struct buf *out)
{
        size_t before = out->len;
        uint64_t bytes = 0;

        for (size_t i = 0; i < l->n; i++) {
                struct prune_item *item = &l->items[i];
                struct error failure;
                int r = l->remove(l->e, item, &failure);

                if (r == 0) {
                        if (l->title && out->len == before)
                                buf_addf(out, "%s\n", l->title);
                        buf_addf(out, "%s\n", item->name);
                        bytes += item->bytes;
                } else if (!l->may_be_used || (r != -EBUSY && r != -ENOENT)) {
                        report_error(failure.text);
                        inv->exit_status = 1;
                }
        }
        if (l->title && out->len != before)
                buf_add_str(out, "\n");
        return bytes;
}

int prune_agreed(const struct invocation *inv, const struct buf *lines, struct error *err)
{
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(lines, err);
        return lines->len ? confirm_removal(&inv->args, lines, err) : 1;
}

void prune_add_total(struct buf *out, uint64_t bytes)
{
        char size[HUMAN_SIZE_MAX];

        human_size(bytes, 4, size);
        buf_addf(out, "Total reclaimed space: %s\n", size);
}
