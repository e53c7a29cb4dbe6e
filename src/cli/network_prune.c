/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/network_prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/grow.h"
#include "base/own.h"
#include "cli/filter.h"
#include "cli/image_event.h"
#include "cli/prune_list.h"
#include "cli/timestamp.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"

struct search {
        struct network_prune *prune;
        struct filters filters;
        int64_t until; /* nanoseconds since 1970 */
        struct error *err;
};

void network_prune_finish(struct network_prune *p)
{
        while (p->n)
                network_finish(&p->doomed[--p->n]);
        free(p->doomed);
        *p = (struct network_prune){};
}

static bool has_label(const struct filter *f, const struct network *n)
{
        for (const struct network_pair *l = n->labels; l && l->key; l++)
                if (filter_matches_label(f, l->key, l->value))
                        return true;
        return false;
}

static bool matches(const struct search *s, const struct network *n)
{
        for (size_t i = 0; i < s->filters.n; i++) {
                const struct filter *f = &s->filters.items[i];

                if (strcmp(f->key, "label") == 0 && has_label(f, n) == f->negated)
                        return false;
        }
        return n->created < s->until;
}

static int add_candidate(void *userdata, struct network *n)
{
        struct search *s = userdata;
        struct network_prune *p = s->prune;

        if (strcmp(n->name, NETWORK_DEFAULT) == 0 || !matches(s, n))
                return 0;
        if (array_grow(&p->doomed, &p->cap, p->n + 1, sizeof *p->doomed) < 0)
                return error_set(s->err, ENOMEM, "out of memory");
        p->doomed[p->n++] = *n;
        *n = (struct network){};
        return 0;
}

static void spare(struct network_prune *p, const char *name)
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
        struct network_prune *p = userdata;
        own_network_flags struct network_flags flags = {};

        if ((p->is_gone && p->is_gone(p->userdata, i->id)) ||
            network_flags_read(&i->options, network_is_ours(), &flags, NULL) < 0)
                return 0;
        for (size_t k = 0; k < flags.n; k++)
                spare(p, flags.v[k].name);
        return 0;
}

static int read_filters(struct search *s, const struct args *a, struct error *err)
{
        static const char *const known[] = { "label", "until", NULL };
        own_mem const char **given = NULL;
        int r = args_list(a, OPTION_FILTER, &given, err);

        s->until = INT64_MAX;
        if (r == 0)
                r = filters_read(given, known, &s->filters, err);
        for (size_t i = 0; r == 0 && i < s->filters.n; i++) {
                int64_t seconds;

                if (strcmp(s->filters.items[i].key, "until") != 0)
                        continue;
                r = timestamp_parse_any(s->filters.items[i].value, time(NULL), &seconds, err);
                if (r == 0 && seconds * 1000000000 < s->until)
                        s->until = seconds * 1000000000;
        }
        return r;
}

int network_prune_find(struct network_prune *p, const struct args *args, struct error *err)
{
        const struct network_place place = network_place_of_engine(p->e);
        struct search s = { .prune = p, .err = err };
        int r = read_filters(&s, args, err);

        if (r == 0)
                r = network_each(&place, add_candidate, &s, err);
        if (r == 0 && p->n)
                r = instances(p->e, spare_users, p, err);
        filters_finish(&s.filters);
        return r;
}

void network_prune_list(const struct network_prune *p, struct buf *out)
{
        for (size_t i = 0; i < p->n; i++)
                buf_addf(out, "  network  %.12s  %s\n", p->doomed[i].id, p->doomed[i].name);
}

static int remove_one(struct engine *e, struct prune_item *item, struct error *err)
{
        return network_take_away(e, item->object, err);
}

void network_prune_do(struct network_prune *p, struct invocation *inv, struct buf *out)
{
        own_prune_list struct prune_list l = {
                .e = p->e, .title = "Deleted Networks:", .remove = remove_one, .may_be_used = true
        };
        struct error failure;

        for (size_t i = 0; i < p->n; i++) {
                if (prune_list_add(&l, p->doomed[i].name, &p->doomed[i], 0, &failure) < 0) {
                        report_error(failure.text);
                        inv->exit_status = 1;
                        break;
                }
        }
        prune_list_remove(&l, inv, out);
        prune_tell(p->e->run, "network", 0);
}
