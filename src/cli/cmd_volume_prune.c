/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/own.h"
#include "cli/confirm.h"
#include "cli/human.h"
#include "cli/image_event.h"
#include "cli/instance_select.h"
#include "cli/volume_filter.h"

struct doomed {
        const char *name;
        uint64_t bytes;
};

struct prune {
        struct engine e;
        struct filters filters;
        bool all;
        struct doomed *doomed;
        size_t n, cap;
        struct arena arena;
        struct error *err;
};

static uint64_t size_of(const char *path)
{
        FTS *tree = fts_open((char *const[]){ (char *)path, NULL }, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
        uint64_t bytes = 0;
        FTSENT *entry;

        while (tree && (entry = fts_read(tree))) {
                if (entry->fts_info == FTS_F)
                        bytes += (uint64_t)entry->fts_statp->st_blocks * 512;
        }
        if (tree)
                fts_close(tree);
        return bytes;
}

static int add(void *userdata, const struct volume_info *v)
{
        struct prune *p = userdata;
        int r = p->all || v->anonymous ? volume_filter_matches(&p->filters, &p->e, v, p->err) : 0;

        if (r > 0)
                r = volume_is_used(&p->e, v->name, p->err) == 0;
        if (r <= 0)
                return r;
        if (array_grow(&p->doomed, &p->cap, p->n + 1, sizeof *p->doomed) < 0)
                return error_set(p->err, ENOMEM, "out of memory");
        p->doomed[p->n].name = arena_strdup(&p->arena, v->name);
        p->doomed[p->n].bytes = size_of(v->path);
        return p->doomed[p->n++].name ? 0 : error_set(p->err, ENOMEM, "out of memory");
}

static void name_all(const struct prune *p, struct buf *out)
{
        for (size_t k = 0; k < p->n; k++) {
                char size[HUMAN_SIZE_MAX];

                human_size(p->doomed[k].bytes, 3, size);
                buf_addf(out, "  %s  %s\n", p->doomed[k].name, size);
        }
}

static int remove_all(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf out = {};
        char size[HUMAN_SIZE_MAX];
        uint64_t bytes = 0;

        for (size_t k = 0; k < p->n; k++) {
                int r = volume_remove(&p->e, p->doomed[k].name, true, err);

                if (r == 0) {
                        buf_addf(&out, "%s%s\n", out.len ? "" : "Deleted Volumes:\n", p->doomed[k].name);
                        bytes += p->doomed[k].bytes;
                } else if (r != -EBUSY) {
                        report_error(err->text);
                        inv->exit_status = 1;
                }
        }
        prune_tell(p->e.run, "volume", bytes);
        human_size(bytes, 4, size);
        buf_addf(&out, "%sTotal reclaimed space: %s\n", out.len ? "\n" : "", size);
        return output_write(&out, err);
}

static int prune(struct invocation *inv, struct prune *p, struct error *err)
{
        static const char *const known[] = { "label", NULL };
        own_buf struct buf list = {};
        int r = volume_filter_open(&p->filters, &inv->args, OPTION_FILTER, known, err);

        if (r == 0)
                r = volume_each(&p->e, add, p, err);
        if (r < 0)
                return r;
        name_all(p, &list);
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(&list, err);
        r = p->n ? confirm_removal(&inv->args, &list, err) : 1;
        return r > 0 ? remove_all(inv, p, err) : r;
}

int cmd_volume_prune(struct invocation *inv, struct error *err)
{
        struct prune p = { .err = err, .all = args_flag(&inv->args, OPTION_ALL) };
        int r = invocation_engine(inv, &p.e, err);

        if (r == 0)
                r = prune(inv, &p, err);
        arena_finish(&p.arena);
        free(p.doomed);
        filters_finish(&p.filters);
        engine_close(&p.e);
        return r;
}
