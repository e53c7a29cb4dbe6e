/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that do not run; networks, volumes and images that no other has; templates, and what machines boot from, that nothing will ask for. What
 * goes is known before anything does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "cli/image_event.h"
#include "cli/image_prune.h"
#include "cli/instance_filter.h"
#include "cli/instance_prune.h"
#include "cli/machine_prune.h"
#include "cli/network_prune.h"
#include "instance/instance_mounts.h"
#include "instance/volume_store.h"

struct prune {
        struct engine e;
        struct instance_filter filter;
        struct instance_list instances; /* to go */
        struct buf kept_volumes;        /* names that those have who stay, each with its NUL */
        struct prune_list volumes;      /* to go */
        struct prune_list machines;     /* templates, likewise */
        struct prune_list boot_files;   /* what those boot from */
        struct network_prune networks;
        struct image_prune images;
        struct error *err;
};

static void prune_finish(struct prune *p)
{
        instance_list_finish(&p->instances);
        instance_filter_finish(&p->filter);
        buf_finish(&p->kept_volumes);
        prune_list_finish(&p->volumes);
        prune_list_finish(&p->machines);
        prune_list_finish(&p->boot_files);
        network_prune_finish(&p->networks);
        image_prune_finish(&p->images);
        engine_close(&p->e);
}
#define own_prune __attribute__((cleanup(prune_finish)))

static bool has_name(const struct buf *names, const char *wanted)
{
        const char *name = buf_str(names), *end = name + names->len;

        while (name < end && strcmp(name, wanted) != 0)
                name += strlen(name) + 1;
        return name < end;
}

/* ---- what goes ---- */

static int keep_volumes(struct prune *p, const struct instance *i)
{
        own_instance_mounts struct instance_mounts m = {};
        int r = instance_mounts_load(i->fd, &m, p->err);

        for (size_t k = 0; r == 0 && k < m.n; k++)
                if (m.items[k].name)
                        buf_add(&p->kept_volumes, m.items[k].name, strlen(m.items[k].name) + 1);
        return r;
}

static int look_at_instance(void *userdata, struct instance *i)
{
        struct prune *p = userdata;

        if (instance_is_running(i) || i->damage || !instance_filter_matches(&p->filter, i))
                return keep_volumes(p, i);
        return instance_list_add(&p->instances, &p->e, i->id, p->err);
}

static bool is_wanted(const struct filters *filters, const struct volume_info *v)
{
        for (size_t i = 0; i < filters->n; i++) {
                const struct filter *f = &filters->items[i];
                bool found = false;

                for (const char *const *l = v->labels; strcmp(f->key, "label") == 0 && l && *l; l++) {
                        size_t len = strcspn(*l, "=");
                        own_mem char *key = strndup(*l, len);

                        found = found || (key && filter_matches_label(f, key, *l + len + ((*l)[len] == '=')));
                }
                if (strcmp(f->key, "label") == 0 && found == f->negated)
                        return false;
        }
        return true;
}

static int look_at_volume(void *userdata, const struct volume_info *v)
{
        struct prune *p = userdata;

        return !has_name(&p->kept_volumes, v->name) && is_wanted(&p->filter.filters, v)
                       ? prune_list_add(&p->volumes, v->name, NULL, 0, p->err)
                       : 0;
}

/* "ID", or "ID/..." of its snapshots. */
static bool is_gone(void *userdata, const char *owner)
{
        const struct prune *p = userdata;
        size_t len = strcspn(owner, "/");

        for (size_t i = 0; i < p->instances.n; i++)
                if (len == INSTANCE_ID_LEN && strncmp(p->instances.items[i]->id, owner, len) == 0)
                        return true;
        return false;
}

static int find(struct prune *p, const struct args *args, struct error *err)
{
        static const char *const keys[] = { "label", "until", NULL };
        struct store *store;
        int r = instance_filter_open(&p->filter, &p->e, args, OPTION_FILTER, keys, err);

        if (r == 0 && args_flag(args, OPTION_VOLUMES) && p->filter.until)
                r = error_set(err, EMISUSED, "option --volumes goes not with --filter until");
        if (r == 0)
                r = instances(&p->e, look_at_instance, p, err);
        if (r == 0 && args_flag(args, OPTION_VOLUMES))
                r = volume_each(&p->e, look_at_volume, p, err);
        if (r == 0)
                r = machine_prune_find(&p->machines, &p->filter, args_flag(args, OPTION_ALL), err);
        if (r == 0)
                r = machine_boot_prune_find(&p->boot_files, &p->filter, args_flag(args, OPTION_ALL), err);
        p->networks = (struct network_prune){ .e = &p->e, .is_gone = is_gone, .userdata = p };
        if (r == 0)
                r = network_prune_find(&p->networks, args, err);
        if (r == 0)
                r = engine_store(&p->e, &store, err);
        if (r != 0)
                return r;
        p->images = (struct image_prune){
                .store = store, .all = args_flag(args, OPTION_ALL), .is_gone = is_gone, .userdata = p
        };
        return image_prune_find(&p->images, args, err);
}

static void list(const struct prune *p, struct buf *out)
{
        instance_prune_show(&p->instances, "instance ", out);
        prune_list_show(&p->volumes, "volume   ", out);
        prune_list_show(&p->machines, "template ", out);
        prune_list_show(&p->boot_files, "boot     ", out);
        network_prune_list(&p->networks, out);
        image_prune_list(&p->images, out);
}

/* ---- and how it goes ---- */

static int remove_all(struct invocation *inv, struct prune *p, struct error *err)
{
        struct prune_result images = {};
        own_buf struct buf out = {};
        uint64_t bytes = instance_prune_do(&p->instances, &p->e, "Deleted Containers:", inv, &out);
        int r;

        prune_tell(p->e.run, "container", bytes);
        network_prune_do(&p->networks, inv, &out);
        if (args_flag(&inv->args, OPTION_VOLUMES)) {
                prune_list_remove(&p->volumes, inv, &out);
                prune_tell(p->e.run, "volume", UINT64_MAX);
        }
        bytes += prune_list_remove(&p->machines, inv, &out);
        bytes += prune_list_remove(&p->boot_files, inv, &out);
        r = image_prune_do(&p->images, &images, err);
        if (images.removed.len)
                buf_addf(&out, "Deleted Images:\n%s\n", buf_str(&images.removed));
        prune_add_total(&out, bytes + images.bytes);
        buf_finish(&images.removed);
        return r < 0 ? r : output_write(&out, err);
}

int cmd_system_prune(struct invocation *inv, struct error *err)
{
        own_prune struct prune p = { .err = err };
        own_buf struct buf doomed = {};
        int r = invocation_engine(inv, &p.e, err);

        p.volumes = volume_prune_list(&p.e);
        p.machines = machine_prune_list(&p.e);
        p.boot_files = machine_boot_prune_list(&p.e);
        if (r == 0)
                r = find(&p, &inv->args, err);
        if (r < 0)
                return r;
        list(&p, &doomed);
        r = prune_agreed(inv, &doomed, err);
        return r > 0 ? remove_all(inv, &p, err) : r;
}
