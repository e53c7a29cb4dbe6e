/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/own.h"
#include "cli/confirm.h"
#include "cli/human.h"
#include "cli/instance_select.h"
#include "instance/vm_template.h"

struct doomed {
        const char *name;
        uint64_t bytes;
};

struct prune {
        struct engine e;
        struct doomed *doomed;
        size_t n, cap;
        struct arena arena;
        struct error *err;
};

static int add(void *userdata, const struct vm_template *t)
{
        own_buf struct buf users = {};
        struct prune *p = userdata;
        int r = vm_template_users(&p->e, t->name, &users, p->err);

        if (r < 0 || users.len)
                return r;
        if (array_grow(&p->doomed, &p->cap, p->n + 1, sizeof *p->doomed) < 0)
                return error_set(p->err, ENOMEM, "out of memory");
        p->doomed[p->n].name = arena_strdup(&p->arena, t->name);
        p->doomed[p->n].bytes = t->memory + t->disk;
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
                int r = vm_template_remove(&p->e, p->doomed[k].name, err);

                if (r == 0) {
                        buf_addf(&out, "%s%s\n", out.len ? "" : "Deleted Templates:\n", p->doomed[k].name);
                        bytes += p->doomed[k].bytes;
                } else if (r != -EBUSY && r != -ENOENT) {
                        report_error(err->text);
                        inv->exit_status = 1;
                }
        }
        human_size(bytes, 4, size);
        buf_addf(&out, "%sTotal reclaimed space: %s\n", out.len ? "\n" : "", size);
        return output_write(&out, err);
}

static int prune(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf list = {};
        int r = vm_template_each(&p->e, add, p, err);

        if (r < 0)
                return r;
        name_all(p, &list);
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(&list, err);
        r = p->n ? confirm_removal(&inv->args, &list, err) : 1;
        return r > 0 ? remove_all(inv, p, err) : r;
}

int cmd_template_prune(struct invocation *inv, struct error *err)
{
        struct prune p = { .err = err };
        int r = invocation_engine(inv, &p.e, err);

        if (r == 0)
                r = prune(inv, &p, err);
        arena_finish(&p.arena);
        free(p.doomed);
        engine_close(&p.e);
        return r;
}
