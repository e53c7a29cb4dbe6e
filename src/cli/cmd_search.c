/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "base/parse.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/mover.h"
#include "cli/registry_name.h"
#include "cli/text_line.h"

#define DOCKER "docker.io"

enum { DESCRIPTION_WIDTH = 45, DEFAULT_LIMIT = 25 };

static const struct format_field fields[] = {
        { "Name", "NAME" },           { "Description", "DESCRIPTION" }, { "StarCount", "STARS" },
        { "IsOfficial", "OFFICIAL" }, { "IsAutomated", "AUTOMATED" },   {},
};

struct search {
        struct format format;
        struct filters filters;
        uint64_t least_stars;
        bool has_official, official, whole;
        char registry[REGISTRY_NAME_MAX];
        struct error *err;
};

static int read_filters(struct search *s, const struct args *args, struct error *err)
{
        static const char *const known[] = { "stars", "is-official", NULL };
        own_mem const char **list = NULL;
        int r = args_list(args, OPTION_FILTER, &list, err);

        if (r == 0)
                r = filters_read(list, known, &s->filters, err);
        for (size_t i = 0; r == 0 && i < s->filters.n; i++) {
                const struct filter *f = &s->filters.items[i];

                if (strcmp(f->key, "is-official") == 0) {
                        s->has_official = true;
                        r = filter_bool(f, &s->official, err);
                } else if (parse_u64(f->value, 10, &s->least_stars) < 0) {
                        r = error_set(err, EMISUSED, "option --filter: stars: \"%s\" is no number", f->value);
                }
        }
        return r;
}

static int on_result(void *userdata, struct json_object *result)
{
        struct search *s = userdata;
        const char *name = "", *description = "";
        own_buf struct buf row = {}, text = {}, about = {};
        struct json_writer w = { .out = &row };
        uint64_t stars = 0;
        bool official = false;
        char count[24];

        if (json_get_string(result, "name", &name, s->err) < 0 ||
            json_get_string(result, "description", &description, s->err) < 0 ||
            json_get_u64(result, "stars", &stars, s->err) < 0 ||
            json_get_bool(result, "official", &official, s->err) < 0)
                return -1;
        if (stars < s->least_stars || (s->has_official && s->official != official))
                return 0;
        /* What is shown is what can be pulled. */
        if (strcmp(s->registry, DOCKER) != 0)
                buf_addf(&text, "%s/", s->registry);
        text_add_line(&text, name, 0);
        text_add_line(&about, description, s->whole ? 0 : DESCRIPTION_WIDTH);
        snprintf(count, sizeof count, "%" PRIu64, stars);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Name", buf_str(&text));
        json_write_string(&w, "Description", buf_str(&about));
        json_write_string(&w, "StarCount", count);
        json_write_string(&w, "IsOfficial", official ? "[OK]" : "");
        json_write_string(&w, "IsAutomated", "");
        json_end_object(&w);
        return format_add(&s->format, &row, s->err);
}

/* "registry/term": where to search stands before the first slash, if it looks like a registry. */
static int write_parameters(struct search *s, const struct args *args, struct buf *out, struct error *err)
{
        const char *term = args->operands[0], *slash = strchr(term, '/');
        char place[REGISTRY_NAME_MAX];
        struct json_writer w = { .out = out };
        uint32_t limit = DEFAULT_LIMIT;
        int r = args_u32(args, OPTION_LIMIT, &limit, err);

        if (r < 0)
                return r;
        if (limit < 1 || limit > 100)
                return error_set(err, EMISUSED, "option --limit: \"%u\" is not within 1 to 100", limit);
        if (slash && slash - term < (int)sizeof place) {
                snprintf(place, sizeof place, "%.*s", (int)(slash - term), term);
                if (strpbrk(place, ".:") || strcmp(place, "localhost") == 0) {
                        r = registry_name(place, s->registry, err);
                        term = slash + 1;
                }
        }
        json_begin_object(&w, NULL);
        json_write_string(&w, "registry", s->registry);
        json_write_string(&w, "term", term);
        json_write_u64(&w, "limit", limit);
        json_end_object(&w);
        return r < 0 ? r : 0;
}

static int search(struct search *s, const struct invocation *inv, struct error *err)
{
        own_buf struct buf parameters = {}, out = {};
        own_mover struct mover m = {};
        int r = read_filters(s, &inv->args, err);

        if (r == 0)
                r = write_parameters(s, &inv->args, &parameters, err);
        if (r == 0)
                r = format_open(&s->format, args_str(&inv->args, OPTION_FORMAT),
                                "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}", fields, false, err);
        if (r == 0)
                r = mover_open(&m, inv, NULL, "", err);
        if (r == 0)
                r = mover_run(&m, "search", &parameters, -1, on_result, s, err);
        if (r == 0)
                r = format_write(&s->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_search(struct invocation *inv, struct error *err)
{
        struct search s = { .whole = args_flag(&inv->args, OPTION_NO_TRUNC), .registry = DOCKER, .err = err };
        int r = search(&s, inv, err);

        format_finish(&s.format);
        filters_finish(&s.filters);
        return r;
}
