/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/grow.h"
#include "base/own.h"
#include "cli/confirm.h"
#include "cli/filter.h"
#include "cli/network_select.h"
#include "cli/timestamp.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"

struct prune {
        struct engine e;
        struct network_place place;
        struct filters filters;
        int64_t until; /* nanoseconds since 1970 */
        struct network *doomed;
        size_t n, cap;
        struct error *err;
};

static void prune_finish(struct prune *p)
{
        while (p->n)
                network_finish(&p->doomed[--p->n]);
        free(p->doomed);
        filters_finish(&p->filters);
        engine_close(&p->e);
}
#define own_prune __attribute__((cleanup(prune_finish)))

static bool has_label(const struct filter *f, const struct network *n)
{
        for (const struct network_pair *l = n->labels; l && l->key; l++)
                if (filter_matches_label(f, l->key, l->value))
                        return true;
        return false;
}

static bool matches(const struct prune *p, const struct network *n)
{
        for (size_t i = 0; i < p->filters.n; i++) {
                const struct filter *f = &p->filters.items[i];

                if (strcmp(f->key, "label") == 0 && has_label(f, n) == f->negated)
                        return false;
        }
        return n->created < p->until;
}

static int add_candidate(void *userdata, struct network *n)
{
        struct prune *p = userdata;

        if (strcmp(n->name, NETWORK_DEFAULT) == 0 || !matches(p, n))
                return 0;
        if (array_grow(&p->doomed, &p->cap, p->n + 1, sizeof *p->doomed) < 0)
                return error_set(p->err, ENOMEM, "out of memory");
        p->doomed[p->n++] = *n;
        *n = (struct network){};
        return 0;
}

static void spare(struct prune *p, const char *name)
{
        for (size_t i = 0; i < p->n; i++) {
                if (strcmp(p->doomed[i].name, name) != 0)
                        continue;
                network_finish(&p->doomed[i]);
                memmove(&p->doomed[i], &p->doomed[i + 1], (--p->n - i) * sizeof *p->doomed);
                return;
        }
}

/* Also one that does not run wants to find its networks again. */
static int spare_users(void *userdata, struct instance *i)
{
        own_network_flags struct network_flags flags = {};
        struct error ignored;

        if (network_flags_read(&i->options, network_is_ours(), &flags, &ignored) < 0)
                return 0;
        for (size_t k = 0; k < flags.n; k++)
                spare(userdata, flags.v[k].name);
        return 0;
}

static int read_filters(struct prune *p, const struct args *a, struct error *err)
{
        static const char *const known[] = { "label", "until", NULL };
        own_mem const char **given = NULL;
        int r = args_list(a, OPTION_FILTER, &given, err);

        p->until = INT64_MAX;
        if (r == 0)
                r = filters_read(given, known, &p->filters, err);
        for (size_t i = 0; r == 0 && i < p->filters.n; i++) {
                int64_t seconds;

                if (strcmp(p->filters.items[i].key, "until") != 0)
                        continue;
                r = timestamp_parse_any(p->filters.items[i].value, time(NULL), &seconds, err);
                if (r == 0 && seconds * 1000000000 < p->until)
                        p->until = seconds * 1000000000;
        }
        return r;
}

static void name_all(const struct prune *p, struct buf *out)
{
        for (size_t i = 0; i < p->n; i++)
                buf_addf(out, "  %.12s  %s\n", p->doomed[i].id, p->doomed[i].name);
}

static int remove_all(struct invocation *inv, struct prune *p, struct error *err)
{
        own_buf struct buf out = {};

        for (size_t i = 0; i < p->n; i++) {
                if (network_take_away(&p->e, &p->doomed[i], err) == 0) {
                        buf_addf(&out, "%s%s\n", out.len ? "" : "Deleted Networks:\n", p->doomed[i].name);
                        continue;
                }
                report_error(err->text);
                inv->exit_status = 1;
        }
        return output_write(&out, err);
}

int cmd_network_prune(struct invocation *inv, struct error *err)
{
        own_prune struct prune p = { .err = err };
        own_buf struct buf list = {};
        int r = read_filters(&p, &inv->args, err);

        if (r == 0)
                r = invocation_engine(inv, &p.e, err);
        if (r < 0)
                return r;
        p.place = network_place_of_engine(&p.e);
        r = network_each(&p.place, add_candidate, &p, err);
        if (r == 0 && p.n)
                r = instances(&p.e, spare_users, &p, err);
        if (r < 0 || !p.n)
                return r;
        name_all(&p, &list);
        if (args_flag(&inv->args, OPTION_DRY_RUN))
                return output_write(&list, err);
        r = confirm_removal(&inv->args, &list, err);
        return r > 0 ? remove_all(inv, &p, err) : r;
}
