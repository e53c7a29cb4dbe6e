/* SPDX-License-Identifier: Apache-2.0 */
#include <fts.h>
#include <sys/stat.h>

#include "base/own.h"
#include "cli/image_event.h"
#include "cli/instance_prune.h"
#include "cli/volume_filter.h"

struct prune {
        struct engine e;
        struct filters filters;
        bool all;
        struct prune_list doomed;
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
        return prune_list_add(&p->doomed, v->name, NULL, size_of(v->path), p->err);
}

static int remove_all(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf out = {};
        uint64_t bytes = prune_list_remove(&p->doomed, inv, &out);

        prune_tell(p->e.run, "volume", bytes);
        prune_add_total(&out, bytes);
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
        prune_list_show(&p->doomed, NULL, &list);
        r = prune_agreed(inv, &list, err);
        return r > 0 ? remove_all(inv, p, err) : r;
}

int cmd_volume_prune(struct invocation *inv, struct error *err)
{
        struct prune p = { .err = err, .all = args_flag(&inv->args, OPTION_ALL) };
        int r = invocation_engine(inv, &p.e, err);

        p.doomed = volume_prune_list(&p.e);
        if (r == 0)
                r = prune(inv, &p, err);
        prune_list_finish(&p.doomed);
        filters_finish(&p.filters);
        engine_close(&p.e);
        return r;
}
