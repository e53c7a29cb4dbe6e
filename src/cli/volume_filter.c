/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/volume_filter.h"

#include <string.h>

#include "base/own.h"

int volume_filter_open(struct filters *f, const struct args *a, unsigned option, const char *const *known,
                       struct error *err)
{
        own_mem const char **list = NULL;
        own_filters struct filters opened = {};
        int r = args_list(a, option, &list, err);

        if (r == 0)
                r = filters_read(list, known, &opened, err);
        for (size_t i = 0; r == 0 && i < opened.n; i++) {
                bool ignored;

                if (strcmp(opened.items[i].key, "dangling") == 0)
                        r = filter_bool(&opened.items[i], &ignored, err);
        }
        if (r < 0)
                return r;
        *f = opened;
        opened = (struct filters){};
        return 0;
}

static bool has_label(const struct filter *f, const struct volume_info *v)
{
        for (const char *const *label = v->labels; label && *label; label++) {
                const char *equals = strchrnul(*label, '=');
                own_mem char *key = strndup(*label, (size_t)(equals - *label));

                if (key && filter_matches_label(f, key, *equals ? equals + 1 : ""))
                        return true;
        }
        return false;
}

static int matches(const struct filter *f, struct engine *e, const struct volume_info *v, struct error *err)
{
        bool dangling = false;
        int r;

        if (strcmp(f->key, "label") == 0)
                return has_label(f, v) != f->negated;
        if (strcmp(f->key, "name") == 0)
                return strstr(v->name, f->value) != NULL;
        if (strcmp(f->key, "driver") == 0)
                return strcmp(f->value, "local") == 0;
        r = filter_bool(f, &dangling, err);
        if (r == 0)
                r = volume_is_used(e, v->name, err);
        return r < 0 ? r : dangling != r;
}

int volume_filter_matches(const struct filters *f, struct engine *e, const struct volume_info *v, struct error *err)
{
        for (size_t i = 0; i < f->n; i++) {
                bool any = false;

                for (size_t k = 0; k < f->n && !any; k++) {
                        bool same = strcmp(f->items[k].key, f->items[i].key) == 0;
                        int r;

                        if (k != i && (!same || strcmp(f->items[i].key, "label") == 0))
                                continue;
                        r = matches(&f->items[k], e, v, err);
                        if (r < 0)
                                return r;
                        any = r > 0;
                }
                if (!any)
                        return 0;
        }
        return 1;
}
