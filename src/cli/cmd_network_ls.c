/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "cli/filter.h"
#include "cli/format.h"
#include "cli/network_select.h"
#include "cli/timestamp.h"

enum { SHORT_ID = 12 };

static const struct format_field fields[] = {
        { "CreatedAt", "CREATED AT" },
        { "Driver", "DRIVER" },
        { "ID", "NETWORK ID" },
        { "IPv4", "IPV4" },
        { "IPv6", "IPV6" },
        { "Internal", "INTERNAL" },
        { "Label", "" },
        { "Labels", "LABELS" },
        { "Name", "NAME" },
        { "Scope", "SCOPE" },
        {},
};

struct listing {
        struct format format;
        struct filters filters;
        bool whole_ids;
        struct error *err;
};

/* As Docker: the part of a name or an id is enough. */
static bool matches_one(const struct filter *f, const struct network *n, const char *driver)
{
        bool pseudo = !n->interface[0];

        if (strcmp(f->key, "name") == 0)
                return strstr(n->name, f->value);
        if (strcmp(f->key, "id") == 0)
                return strncmp(n->id, f->value, strlen(f->value)) == 0;
        if (strcmp(f->key, "driver") == 0)
                return strcmp(driver, f->value) == 0;
        if (strcmp(f->key, "scope") == 0)
                return strcmp("local", f->value) == 0;
        if (strcmp(f->key, "type") == 0)
                return strcmp(f->value, pseudo || strcmp(n->name, NETWORK_DEFAULT) == 0 ? "builtin" : "custom") == 0;
        for (const struct network_pair *l = n->labels; l && l->key; l++)
                if (filter_matches_label(f, l->key, l->value))
                        return true;
        return false;
}

static bool matches(const struct listing *l, const struct network *n, const char *driver)
{
        for (size_t i = 0; i < l->filters.n; i++)
                if (!matches_one(&l->filters.items[i], n, driver))
                        return false;
        return true;
}

static void write_labels(struct json_writer *w, const struct network *n)
{
        own_buf struct buf text = {};

        for (const struct network_pair *l = n->labels; l && l->key; l++)
                buf_addf(&text, "%s%s=%s", text.len ? "," : "", l->key, l->value);
        json_write_string(w, "Labels", buf_str(&text));
}

/* As format_write_labels() does it. */
static void write_label_map(const struct format *f, struct json_writer *w, const struct network *n)
{
        if (!format_wants_labels(f))
                return;
        json_begin_object(w, "Label");
        for (const struct network_pair *l = n->labels; l && l->key; l++)
                json_write_string(w, l->key, l->value);
        json_end_object(w);
}

static int add_row(struct listing *l, const struct network *n, const char *driver)
{
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };
        char id[NETWORK_ID_LEN + 1], created[TIMESTAMP_MAX];

        if (!matches(l, n, driver))
                return 0;
        snprintf(id, sizeof id, "%.*s", l->whole_ids ? NETWORK_ID_LEN : SHORT_ID, n->id);
        timestamp_docker(n->created / 1000000000, created);
        json_begin_object(&w, NULL);
        json_write_string(&w, "CreatedAt", created);
        json_write_string(&w, "Driver", driver);
        json_write_string(&w, "ID", id);
        json_write_string(&w, "IPv4", "true");
        json_write_string(&w, "IPv6", n->ipv6 ? "true" : "false");
        json_write_string(&w, "Internal", n->internal ? "true" : "false");
        write_label_map(&l->format, &w, n);
        write_labels(&w, n);
        json_write_string(&w, "Name", n->name);
        json_write_string(&w, "Scope", "local");
        json_end_object(&w);
        return format_add(&l->format, &row, l->err);
}

static int add_network(void *userdata, struct network *n)
{
        return add_row(userdata, n, "bridge");
}

static int add_pseudo(struct listing *l)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(pseudo_networks); i++) {
                struct network n = { .name = pseudo_networks[i].name };

                snprintf(n.id, sizeof n.id, "%s", pseudo_networks[i].id);
                r = add_row(l, &n, pseudo_networks[i].driver);
        }
        return r;
}

static int list(struct listing *l, const struct network_place *place, const struct args *args, struct error *err)
{
        static const char *const known[] = { "driver", "id", "label", "name", "scope", "type", NULL };
        bool quiet = args_flag(args, OPTION_QUIET);
        own_mem const char **given = NULL;
        own_network struct network usual = {};
        own_buf struct buf out = {};
        int r = args_list(args, OPTION_FILTER, &given, err);

        if (r == 0)
                r = filters_read(given, known, &l->filters, err);
        if (r == 0)
                r = format_open(&l->format, quiet ? NULL : args_str(args, OPTION_FORMAT),
                                quiet ? "{{.ID}}" : "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}", fields, quiet, err);
        /* It is there for everybody, also before its first use. */
        if (r == 0)
                r = network_find(place, NETWORK_DEFAULT, &usual, err);
        if (r == 0)
                r = network_each(place, add_network, l, err);
        if (r == 0)
                r = add_pseudo(l);
        if (r == 0)
                r = format_write(&l->format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_network_ls(struct invocation *inv, struct error *err)
{
        struct listing l = { .err = err, .whole_ids = args_flag(&inv->args, OPTION_NO_TRUNC) };
        own_engine struct engine e = {};
        struct network_place place;
        int r = invocation_engine(inv, &e, err);

        place = network_place_of_engine(&e);
        if (r == 0)
                r = list(&l, &place, &inv->args, err);
        filters_finish(&l.filters);
        format_finish(&l.format);
        return r;
}
