/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/parse.h"
#include "cli/timestamp.h"

const char *const instance_filter_keys[] = { "ancestor", "before", "exited",  "health",  "id",
                                             "label",    "name",   "network", "publish", "restart-policy",
                                             "since",    "status", "volume",  NULL };

static const char *const statuses[] = { "created",  "running", "paused",  "restarting",
                                        "stopping", "exited",  "damaged", NULL };
static const char *const healths[] = { "none", "starting", "healthy", "unhealthy", NULL };

static int check_word(const struct filter *f, const char *const *words, struct error *err)
{
        for (; *words; words++) {
                if (strcmp(f->value, *words) == 0)
                        return 0;
        }
        return error_set(err, EMISUSED, "invalid filter \"%s=%s\"", f->key, f->value);
}

static int read_created(struct engine *e, const struct filter *f, int64_t *ret, struct error *err)
{
        own_instance struct instance *i = NULL;
        int r = instance_find(e, f->value, &i, err);

        if (r == 0)
                *ret = i->created;
        return r;
}

static int read_until(const struct filter *f, int64_t *ret, struct error *err)
{
        int64_t seconds;
        int r = timestamp_parse_any(f->value, time(NULL), &seconds, err);

        if (r == 0)
                *ret = seconds * 1000000000;
        return r;
}

static int read_one(struct instance_filter *all, struct engine *e, const struct filter *f, struct error *err)
{
        int64_t code;

        if (strcmp(f->key, "before") == 0)
                return read_created(e, f, &all->before, err);
        if (strcmp(f->key, "since") == 0)
                return read_created(e, f, &all->since, err);
        if (strcmp(f->key, "until") == 0)
                return read_until(f, &all->until, err);
        if (strcmp(f->key, "status") == 0 || strcmp(f->key, "exited") == 0)
                all->all_statuses = true;
        if (strcmp(f->key, "status") == 0)
                return check_word(f, statuses, err);
        if (strcmp(f->key, "health") == 0)
                return check_word(f, healths, err);
        if (strcmp(f->key, "exited") == 0 && parse_i64(f->value, &code) < 0)
                return error_set(err, EMISUSED, "invalid filter \"exited=%s\": no number", f->value);
        return 0;
}

int instance_filter_open(struct instance_filter *f, struct engine *e, const struct args *a, unsigned option,
                         const char *const *known, struct error *err)
{
        own_mem const char **list = NULL;
        int r = args_list(a, option, &list, err);

        if (r == 0)
                r = filters_read(list, known, &f->filters, err);
        for (size_t n = 0; r == 0 && n < f->filters.n; n++)
                r = read_one(f, e, &f->filters.items[n], err);
        return r;
}

void instance_filter_finish(struct instance_filter *f)
{
        filters_finish(&f->filters);
}

static bool begins_with(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

/* Of two with one name the last counts, which is the first that is met from behind. */
static bool has_label(const struct instance *i, const struct filter *f)
{
        size_t n = 0;

        while (i->options.label && i->options.label[n])
                n++;
        while (n-- > 0) {
                const char *text = i->options.label[n], *equals = strchrnul(text, '=');
                own_mem char *key = strndup(text, (size_t)(equals - text));

                if (key && filter_matches_label(f, key, *equals ? equals + 1 : ""))
                        return true;
        }
        return false;
}

/* "debian", "debian:12" or the first digits of an id. */
static bool has_ancestor(const struct instance *i, const char *value)
{
        size_t n = strlen(value);

        if (begins_with(i->image_name, value) && (!i->image_name[n] || i->image_name[n] == ':'))
                return true;
        return begins_with(i->image.text, value) || begins_with(digest_hex(&i->image), value);
}

static bool list_has(const char *const *list, const char *value)
{
        for (; list && *list; list++) {
                if (begins_with(*list, value))
                        return true;
        }
        return false;
}

static bool has_health(const struct instance *i, const char *value)
{
        const char *is = instance_health_name(i->state.health);

        return strcmp(*is ? is : "none", value) == 0;
}

static bool has_exited(const struct instance *i, const char *value)
{
        int64_t code;

        return i->state.status == INSTANCE_EXITED && parse_i64(value, &code) == 0 && code == i->state.exit_code;
}

static bool matches_one(const struct instance *i, const struct filter *f)
{
        const struct instance_options *o = &i->options;

        if (strcmp(f->key, "id") == 0)
                return begins_with(i->id, f->value);
        if (strcmp(f->key, "name") == 0)
                return strstr(i->name, f->value);
        if (strcmp(f->key, "label") == 0)
                return has_label(i, f) != f->negated;
        if (strcmp(f->key, "status") == 0)
                return strcmp(instance_status_name(i->state.status), f->value) == 0;
        if (strcmp(f->key, "exited") == 0)
                return has_exited(i, f->value);
        if (strcmp(f->key, "health") == 0)
                return has_health(i, f->value);
        if (strcmp(f->key, "ancestor") == 0)
                return has_ancestor(i, f->value);
        if (strcmp(f->key, "network") == 0)
                return list_has(o->network, f->value);
        if (strcmp(f->key, "volume") == 0)
                return list_has(o->volume, f->value) || list_has(o->mount, f->value);
        if (strcmp(f->key, "publish") == 0)
                return list_has(o->publish, f->value);
        if (strcmp(f->key, "restart-policy") == 0)
                return strcmp(o->restart ? o->restart : "no", f->value) == 0;
        return true;
}

bool instance_filter_matches(const struct instance_filter *f, const struct instance *i)
{
        if ((f->before && i->created >= f->before) || (f->since && i->created <= f->since) ||
            (f->until && i->created >= f->until))
                return false;
        for (size_t n = 0; n < f->filters.n; n++) {
                const struct filter *one = &f->filters.items[n];
                bool found = matches_one(i, one);

                for (size_t k = 0; !found && k < f->filters.n; k++) {
                        if (strcmp(one->key, "label") != 0 && strcmp(one->key, f->filters.items[k].key) == 0)
                                found = matches_one(i, &f->filters.items[k]);
                }
                if (!found)
                        return false;
        }
        return true;
}
