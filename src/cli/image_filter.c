/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "cli/timestamp.h"

static int created(struct store *s, const char *name, int64_t *ret, struct error *err)
{
        own_mem struct image_info *info = NULL;
        int r = image_find(s, name, &info, err);

        if (r == 0)
                *ret = info->created;
        return r;
}

/* What needs to be looked up only once. */
static int prepare(struct image_filter *f, const struct filter *filter, struct error *err)
{
        int64_t until;
        int r = 0;

        if (strcmp(filter->key, "dangling") == 0) {
                f->has_dangling = true;
                r = filter_bool(filter, &f->dangling, err);
        } else if (strcmp(filter->key, "before") == 0) {
                r = created(f->store, filter->value, &f->before, err);
        } else if (strcmp(filter->key, "since") == 0) {
                r = created(f->store, filter->value, &f->since, err);
        } else if (strcmp(filter->key, "until") == 0) {
                r = timestamp_parse_any(filter->value, time(NULL), &until, err);
                if (r < 0)
                        error_wrap(err, "option --filter: until");
                if (r == 0 && until < f->before)
                        f->before = until;
        }
        return r;
}

int image_filter_open(struct image_filter *f, struct store *s, const struct args *args, unsigned option,
                      const char *const *known, struct error *err)
{
        own_image_filter struct image_filter opened = { .store = s, .before = INT64_MAX, .since = INT64_MIN };
        own_mem const char **list = NULL;
        int r = args_list(args, option, &list, err);

        if (r == 0)
                r = filters_read(list, known, &opened.filters, err);
        for (size_t i = 0; r == 0 && i < opened.filters.n; i++)
                r = prepare(&opened, &opened.filters.items[i], err);
        if (r < 0)
                return r;
        *f = opened;
        opened.filters = (struct filters){};
        return 0;
}

void image_filter_finish(struct image_filter *f)
{
        filters_finish(&f->filters);
}

static bool has_label(const struct image_config *c, const struct filter *filter)
{
        for (size_t i = 0; i < c->labels.n; i++)
                if (filter_matches_label(filter, c->labels.v[i].key, c->labels.v[i].value))
                        return true;
        return false;
}

/* All of them have to hold. The configuration is read only where it is asked for. */
static int matches_labels(const struct image_filter *f, const struct image_info *info, struct error *err)
{
        own_image_config struct image_config config = {};
        bool read = false;

        for (size_t i = 0; i < f->filters.n; i++) {
                const struct filter *filter = &f->filters.items[i];
                int r = 0;

                if (strcmp(filter->key, "label") != 0)
                        continue;
                if (!read)
                        r = image_config_load(f->store, &info->id, &config, err);
                if (r < 0)
                        return r;
                read = true;
                if (has_label(&config, filter) == filter->negated)
                        return 0;
        }
        return 1;
}

int image_filter_matches(const struct image_filter *f, const struct image_info *info, struct error *err)
{
        if (f->has_dangling && f->dangling != !*info->names)
                return 0;
        if (info->created >= f->before || info->created <= f->since)
                return 0;
        return matches_labels(f, info, err);
}

static bool fits(const char *pattern, const char *repository, const char *name)
{
        return fnmatch(pattern, repository, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0;
}

/* As people write it or in full, with the tag or for all of them. */
static bool matches_pattern(const char *pattern, const char *name)
{
        own_buf struct buf repository = {}, short_name = {}, full = {};
        struct reference ref;

        if (!name || reference_parse(name, &ref, NULL) < 0)
                return false;
        image_add_repository(&repository, name);
        image_add_short_name(&short_name, name);
        reference_add_name(&full, &ref);
        return fits(pattern, buf_str(&repository), buf_str(&short_name)) || fits(pattern, buf_str(&full), name);
}

bool image_filter_matches_name(const struct image_filter *f, const char *name)
{
        bool wanted = false, asked = false;

        if (f->pattern && !matches_pattern(f->pattern, name))
                return false;
        for (size_t i = 0; i < f->filters.n; i++) {
                if (strcmp(f->filters.items[i].key, "reference") != 0)
                        continue;
                asked = true;
                wanted = wanted || matches_pattern(f->filters.items[i].value, name);
        }
        return wanted || !asked;
}
