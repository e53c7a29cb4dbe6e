/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/inspect.h"
#include "cli/instance_select.h"
#include "cli/label_map.h"
#include "instance/volume_store.h"

static void write_options(struct json_writer *w, const struct volume_driver *d)
{
        json_begin_object(w, "Options");
        if (d->type) {
                json_write_string(w, "device", d->device);
                json_write_string(w, "o", d->options);
                json_write_string(w, "type", d->type);
        }
        json_end_object(w);
}

static int write_one(void *engine, const char *name, struct json_writer *w, struct error *err)
{
        own_volume_info struct volume_info v = {};
        char created[RFC3339_MAX];
        int r = volume_find(engine, name, &v, err);

        if (r < 0)
                return r;
        rfc3339_write(v.created * 1000000000, created);
        json_begin_object(w, NULL);
        json_write_string(w, "CreatedAt", created);
        json_write_string(w, "Driver", "local");
        label_map_write(w, "Labels", v.labels);
        json_write_string(w, "Mountpoint", v.path);
        json_write_string(w, "Name", v.name);
        write_options(w, &v.driver);
        json_write_string(w, "Scope", "local");
        json_write_bool(w, "Anonymous", v.anonymous);
        json_end_object(w);
        return 0;
}

int cmd_volume_inspect(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        return r == 0 ? inspect_operands(inv, write_one, &e, err) : r;
}
