/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event_filter.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "cli/timestamp.h"

static int read_time(const struct args *args, unsigned option, const char *name, int64_t *ret, struct error *err)
{
        const char *text = args_str(args, option);
        int r = text ? timestamp_parse_nano(text, time(NULL), ret, err) : 0;

        return r < 0 ? error_wrap(err, "option --%s", name) : 0;
}

int event_filter_open(struct event_filter *f, const struct args *args, struct error *err)
{
        static const char *const known[] = {
                "container", "event", "image", "label", "network", "type", "volume", NULL
        };
        struct event_filter opened = { .since = INT64_MIN, .until = INT64_MAX };
        own_mem const char **list = NULL;
        int r = read_time(args, OPTION_SINCE, "since", &opened.since, err);

        if (r == 0)
                r = read_time(args, OPTION_UNTIL, "until", &opened.until, err);
        if (r == 0)
                r = args_list(args, OPTION_FILTER, &list, err);
        if (r == 0)
                r = filters_read(list, known, &opened.filters, err);
        if (r < 0)
                return r;
        *f = opened;
        return 0;
}

void event_filter_finish(struct event_filter *f)
{
        filters_finish(&f->filters);
}

int event_view_read(struct json_object *event, struct event_view *ret, struct error *err)
{
        struct json_object *actor = NULL;
        struct event_view v = {};

        if (!json_is_object(event) || json_get_string(event, "Type", &v.type, err) <= 0 ||
            json_get_string(event, "Action", &v.action, err) <= 0 ||
            json_get_i64(event, "timeNano", &v.time, err) <= 0 || json_get_object(event, "Actor", &actor, err) <= 0 ||
            json_get_string(actor, "ID", &v.id, err) <= 0 ||
            json_get_object(actor, "Attributes", &v.attributes, err) <= 0)
                return error_set(err, EINVAL, "a line of the events' file is no event");
        *ret = v;
        return 0;
}

const char *event_view_attribute(const struct event_view *v, const char *name)
{
        const char *value = NULL;

        return json_get_string(v->attributes, name, &value, NULL) > 0 ? value : NULL;
}

/* A name, or the first digits of an id. */
static bool is_named(const char *wanted, const char *id, const char *name)
{
        return (*wanted && strncmp(id, wanted, strlen(wanted)) == 0) || (name && strcmp(name, wanted) == 0);
}

/* Whether it is the thing itself, or has to do with it and names it. */
static bool concerns(const struct event_view *v, const char *type, const char *wanted)
{
        const char *named = event_view_attribute(v, type);

        if (strcmp(v->type, type) == 0)
                return is_named(wanted, v->id, event_view_attribute(v, "name"));
        return named && is_named(wanted, named, named);
}

/* "debian" is the image of any of its tags. */
static bool is_image(const char *wanted, const char *name)
{
        size_t len = strlen(wanted);

        return name && strncmp(name, wanted, len) == 0 &&
               (!name[len] || (name[len] == ':' && !strchr(name + len, '/')));
}

static bool concerns_image(const struct event_view *v, const char *wanted)
{
        bool itself = strcmp(v->type, "image") == 0;
        const char *name = event_view_attribute(v, itself ? "name" : "image");

        return is_image(wanted, name) || (itself && is_named(wanted, v->id, name));
}

struct label {
        const struct filter *filter;
        bool found;
};

static int look_for_label(const char *key, struct json_object *value, void *userdata)
{
        struct label *l = userdata;

        l->found = l->found ||
                   (json_string_value(value) && filter_matches_label(l->filter, key, json_string_value(value)));
        return 0;
}

static bool has_label(const struct event_view *v, const struct filter *f)
{
        struct label l = { .filter = f };

        json_each(v->attributes, look_for_label, &l);
        return l.found != f->negated;
}

/* "exec_start" is also "exec_start: /bin/sh". */
static bool is_action(const char *wanted, const char *action)
{
        size_t len = strlen(wanted);

        return strncmp(action, wanted, len) == 0 && (!action[len] || strncmp(action + len, ": ", 2) == 0);
}

static bool matches_one(const struct filter *f, const struct event_view *v)
{
        if (strcmp(f->key, "type") == 0)
                return strcmp(v->type, f->value) == 0;
        if (strcmp(f->key, "event") == 0)
                return is_action(f->value, v->action);
        if (strcmp(f->key, "image") == 0)
                return concerns_image(v, f->value);
        return concerns(v, f->key, f->value);
}

static bool matches_key(const struct filters *all, const char *key, const struct event_view *v)
{
        for (size_t i = 0; i < all->n; i++)
                if (strcmp(all->items[i].key, key) == 0 && matches_one(&all->items[i], v))
                        return true;
        return false;
}

bool event_filter_matches(const struct event_filter *f, const struct event_view *v)
{
        if (v->time < f->since || v->time > f->until)
                return false;
        for (size_t i = 0; i < f->filters.n; i++) {
                const struct filter *one = &f->filters.items[i];

                if (strcmp(one->key, "label") == 0 ? !has_label(v, one) : !matches_key(&f->filters, one->key, v))
                        return false;
        }
        return true;
}
