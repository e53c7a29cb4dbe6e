/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/own.h"
#include "cli/format.h"
#include "cli/human.h"
#include "cli/image_lookup.h"
#include "cli/instance_select.h"
#include "cli/network_select.h"
#include "instance/network_flags.h"
#include "instance/network_open.h"
#include "instance/vm_boot.h"
#include "instance/vm_care.h"
#include "instance/vm_template.h"
#include "instance/volume_store.h"
#include "sys/disk_usage.h"

static const struct format_field fields[] = {
        { "Type", "TYPE" }, { "TotalCount", "TOTAL" },        { "Active", "ACTIVE" },
        { "Size", "SIZE" }, { "Reclaimable", "RECLAIMABLE" }, {},
};

static const struct format_field image_fields[] = {
        { "Repository", "REPOSITORY" },
        { "Tag", "TAG" },
        { "ID", "IMAGE ID" },
        { "CreatedSince", "CREATED" },
        { "Size", "SIZE" },
        { "SharedSize", "SHARED SIZE" },
        { "UniqueSize", "UNIQUE SIZE" },
        {},
};

enum { ALWAYS = 5 };

struct line {
        const char *type;
        uint64_t total, active, bytes, reclaimable;
};

static int add_line(struct format *f, const struct line *line, struct error *err)
{
        own_buf struct buf row = {};
        struct json_writer w = { .out = &row };
        char total[24], active[24], size[HUMAN_SIZE_MAX], reclaimable[HUMAN_SIZE_MAX], part[HUMAN_SIZE_MAX + 16];

        snprintf(total, sizeof total, "%" PRIu64, line->total);
        snprintf(active, sizeof active, "%" PRIu64, line->active);
        human_size(line->bytes, 4, size);
        human_size(line->reclaimable, 4, reclaimable);
        snprintf(part, sizeof part, "%s", reclaimable);
        if (line->bytes)
                snprintf(part, sizeof part, "%s (%d%%)", reclaimable,
                         (int)((double)line->reclaimable * 100 / (double)line->bytes));
        json_begin_object(&w, NULL);
        json_write_string(&w, "Type", line->type);
        json_write_string(&w, "TotalCount", total);
        json_write_string(&w, "Active", active);
        json_write_string(&w, "Size", size);
        json_write_string(&w, "Reclaimable", part);
        json_end_object(&w);
        return format_add(f, &row, err);
}

/* Images and instances have each other's numbers. */
struct totals {
        struct engine *e;
        struct line instances, volumes, networks, templates, machines, boot_files;
        struct buf used_networks; /* names, each with its NUL */
        struct buf used;          /* struct digest of each image that an instance stands on */
        struct error *err;
};

static void add_used_networks(struct totals *t, const struct instance *i)
{
        own_network_flags struct network_flags flags = {};

        if (network_flags_read(&i->options, network_is_ours(), &flags, NULL) < 0)
                return;
        for (size_t k = 0; k < flags.n; k++)
                buf_add(&t->used_networks, flags.v[k].name, strlen(flags.v[k].name) + 1);
}

static int add_instance(void *userdata, struct instance *i)
{
        struct totals *t = userdata;
        struct error ignored;
        uint64_t bytes = 0;

        (void)instance_size(i, &bytes, &ignored);
        t->instances.total++;
        t->instances.bytes += bytes;
        if (instance_is_running(i))
                t->instances.active++;
        else
                t->instances.reclaimable += bytes;
        if (i->damage)
                return 0;
        buf_add(&t->used, &i->image, sizeof i->image);
        add_used_networks(t, i);
        return 0;
}

static int add_network(void *userdata, struct network *n)
{
        struct totals *t = userdata;
        const char *name = buf_str(&t->used_networks), *end = name + t->used_networks.len;

        while (name < end && strcmp(name, n->name) != 0)
                name += strlen(name) + 1;
        t->networks.total++;
        t->networks.active += name < end;
        return 0;
}

static int add_volume(void *userdata, const struct volume_info *v)
{
        struct totals *t = userdata;
        int used = volume_is_used(t->e, v->name, t->err);
        uint64_t bytes = 0;

        if (used < 0)
                return used;
        (void)disk_usage(v->path, &bytes);
        t->volumes.total++;
        t->volumes.bytes += bytes;
        if (used)
                t->volumes.active++;
        else
                t->volumes.reclaimable += bytes;
        return 0;
}

/* Of people's own. */
static int add_template(void *userdata, const struct vm_template *v)
{
        own_buf struct buf users = {};
        struct totals *t = userdata;
        int r = vm_template_users(t->e, v->name, &users, t->err);

        t->templates.total++;
        t->templates.bytes += v->memory + v->disk;
        if (users.len)
                t->templates.active++;
        else
                t->templates.reclaimable += v->memory + v->disk;
        return r;
}

static int add_machines(struct totals *t)
{
        own_mem struct vm_care_entry *v = NULL;
        size_t n = 0;
        int r = vm_care_list(t->e, &v, &n, t->err);

        for (size_t i = 0; i < n; i++) {
                t->machines.total++;
                t->machines.bytes += v[i].bytes;
                t->machines.active += v[i].is_needed;
                t->machines.reclaimable += v[i].is_needed ? 0 : v[i].bytes;
        }
        return r;
}

/* What they boot from. */
static int add_boot_files(struct totals *t)
{
        own_mem struct vm_boot_file *v = NULL;
        size_t n = 0;
        int r = vm_boot_list(t->e, &v, &n, t->err);

        for (size_t i = 0; i < n; i++) {
                bool is_needed = v[i].is_current || v[i].is_used;

                t->boot_files.total++;
                t->boot_files.bytes += v[i].bytes;
                t->boot_files.active += is_needed;
                t->boot_files.reclaimable += is_needed ? 0 : v[i].bytes;
        }
        return r;
}

/* How many different ones. */
static uint64_t count_used(const struct totals *t)
{
        const struct digest *d = (const struct digest *)(const void *)buf_str(&t->used);
        size_t n = t->used.len / sizeof *d, different = 0;

        for (size_t i = 0; i < n; i++) {
                size_t k = 0;

                while (k < i && !digest_equal(&d[k], &d[i]))
                        k++;
                different += k == i;
        }
        return different;
}

static int add_lines(struct format *f, const struct totals *t, const struct store_usage *u, struct error *err)
{
        /* What is reclaimable is mostly layers, and a little manifests. */
        uint64_t free_layers = u->reclaimable_bytes < u->layer_bytes ? u->reclaimable_bytes : u->layer_bytes;
        const struct line lines[] = {
                { "Images", u->images, count_used(t), u->layer_bytes + u->blob_bytes, u->reclaimable_bytes },
                { "Layers", u->layers, u->pinned_layers, u->layer_bytes, free_layers },
                t->instances,
                t->volumes,
                t->networks,
                /* They go with their layers. */
                { "Unpacked Layers", u->unpacked_layers, u->unpacked_layers, u->unpacked_bytes, 0 },
                t->templates,
                t->machines,
                t->boot_files,
        };
        int r = 0;

        /* Of the last ones most hosts have none. */
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lines); i++)
                if (i < ALWAYS || lines[i].total)
                        r = add_line(f, &lines[i], err);
        return r;
}

static int show_totals(struct engine *e, struct store *s, const char *given, struct error *err)
{
        struct totals t = { .e = e,
                            .instances = { .type = "Containers" },
                            .volumes = { .type = "Local Volumes" },
                            .networks = { .type = "Networks" },
                            .templates = { .type = "Templates" },
                            .machines = { .type = "Machine Templates" },
                            .boot_files = { .type = "Machine Boot Files" },
                            .err = err };
        const struct network_place place = network_place_of_engine(e);
        own_format struct format f = {};
        own_buf struct buf out = {};
        struct store_usage u = {};
        int r = store_usage(s, &u, err);

        if (r == 0)
                r = instances(e, add_instance, &t, err);
        if (r == 0)
                r = volume_each(e, add_volume, &t, err);
        if (r == 0)
                r = network_each(&place, add_network, &t, err);
        if (r == 0)
                r = vm_template_each(e, add_template, &t, err);
        if (r == 0)
                r = add_machines(&t);
        if (r == 0)
                r = add_boot_files(&t);
        if (r == 0)
                r = format_open(&f, given, "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
                                fields, false, err);
        if (r == 0)
                r = add_lines(&f, &t, &u, err);
        if (r == 0)
                r = format_write(&f, &out, err);
        buf_finish(&t.used);
        buf_finish(&t.used_networks);
        return r < 0 ? r : output_write(&out, err);
}

/* A layer and how many images have it. */
struct share {
        const struct digest *diff_id;
        uint64_t bytes;
        size_t users;
};

struct shares {
        struct share *items;
        size_t n, cap;
};

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct share *)a)->diff_id->text, ((const struct share *)b)->diff_id->text);
}

/* Sorted, each layer once. */
static int count_users(struct store *s, const struct image_list *images, struct shares *ret, struct error *err)
{
        size_t n = 0;

        for (size_t i = 0; i < images->n; i++) {
                for (size_t j = 0; j < images->items[i]->n_layers; j++) {
                        if (array_grow(&ret->items, &ret->cap, ret->n + 1, sizeof *ret->items) < 0)
                                return error_set(err, ENOMEM, "out of memory");
                        ret->items[ret->n++] = (struct share){ .diff_id = &images->items[i]->diff_ids[j], .users = 1 };
                }
        }
        if (!ret->n)
                return 0;
        qsort(ret->items, ret->n, sizeof *ret->items, compare);
        for (size_t i = 1; i < ret->n; i++) {
                if (digest_equal(ret->items[n].diff_id, ret->items[i].diff_id))
                        ret->items[n].users++;
                else
                        ret->items[++n] = ret->items[i];
        }
        ret->n = n + 1;
        for (size_t i = 0; i < ret->n; i++) {
                struct layer_info info;
                int fd = store_layer_open(s, ret->items[i].diff_id, &info, NULL, err);

                if (fd < 0)
                        return fd;
                close(fd);
                ret->items[i].bytes = info.size + info.recipe_size;
        }
        return 0;
}

static int add_image(struct format *f, const struct shares *shares, const struct image_info *info, struct error *err)
{
        own_buf struct buf row = {}, repository = {};
        struct json_writer w = { .out = &row };
        char id[sizeof(struct digest)], size[HUMAN_SIZE_MAX], age[HUMAN_TIME_MAX];
        uint64_t shared = 0, unique = 0;
        struct reference ref = {};

        for (size_t i = 0; i < info->n_layers; i++) {
                struct share key = { .diff_id = &info->diff_ids[i] };
                const struct share *found = bsearch(&key, shares->items, shares->n, sizeof key, compare);

                if (found)
                        *(found->users > 1 ? &shared : &unique) += found->bytes;
        }
        if (*info->names && reference_parse(*info->names, &ref, NULL) == 0)
                reference_add_short_name(&repository, &ref);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Repository", repository.len ? buf_str(&repository) : "<none>");
        json_write_string(&w, "Tag", *ref.tag ? ref.tag : "<none>");
        json_write_string(&w, "ID", image_id_text(&info->id, false, id));
        human_duration(time(NULL) - info->created, age);
        json_write_string(&w, "CreatedSince", info->created ? age : "N/A");
        human_size(info->size, 4, size);
        json_write_string(&w, "Size", size);
        human_size(shared, 4, size);
        json_write_string(&w, "SharedSize", size);
        human_size(unique, 4, size);
        json_write_string(&w, "UniqueSize", size);
        json_end_object(&w);
        return format_add(f, &row, err);
}

static int show_images(struct store *s, const char *given, struct error *err)
{
        own_image_list struct image_list images = {};
        own_format struct format f = {};
        own_buf struct buf out = {};
        struct shares shares = {};
        int r = image_list_all(s, &images, err);

        if (r == 0)
                r = count_users(s, &images, &shares, err);
        if (r == 0)
                r = format_open(&f, given,
                                "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{."
                                "UniqueSize}}",
                                image_fields, false, err);
        if (r == 0 && !given)
                buf_add_str(&out, "Images space usage:\n\n");
        for (size_t i = 0; r == 0 && i < images.n; i++)
                r = add_image(&f, &shares, images.items[i], err);
        if (r == 0)
                r = format_write(&f, &out, err);
        free(shares.items);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_system_df(struct invocation *inv, struct error *err)
{
        const char *given = args_str(&inv->args, OPTION_FORMAT);
        own_engine struct engine e = {};
        struct store *store = NULL;
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = engine_store(&e, &store, err);
        if (r < 0)
                return r;
        return args_flag(&inv->args, OPTION_VERBOSE) ? show_images(store, given, err)
                                                     : show_totals(&e, store, given, err);
}
