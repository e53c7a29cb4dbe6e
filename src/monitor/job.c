/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/job.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "share/share.h"

void monitor_job_finish(struct monitor_job *j)
{
        free(j->layers);
        json_put(j->json);
        *j = (struct monitor_job){};
}

static int missing(const char *what, struct error *err)
{
        return error_set(err, EINVAL, "the job of a virtual machine has no %s", what);
}

static int read_layers(struct json_object *machine, struct monitor_job *j, struct error *err)
{
        struct json_object *list = NULL;
        int r = json_get_array(machine, "layers", &list, err);

        if (r < 0)
                return r;
        if (r == 0 || !list || !json_array_size(list))
                return missing("layers", err);
        j->layers = calloc(json_array_size(list), sizeof(*j->layers));
        if (!j->layers)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < json_array_size(list); i++)
                if (!json_u64_value(json_array_item(list, i), &j->layers[j->n_layers++]))
                        return missing("size of a layer", err);
        return 0;
}

static int read_shares(struct json_object *machine, struct monitor_job *j, struct error *err)
{
        uint32_t pins = 0;
        int r = json_get_u32(machine, "pins", &pins, err);

        if (r >= 0)
                r = json_get_u32(machine, "shares", &j->n_shares, err);
        if (r >= 0 && (j->n_shares > SHARE_MAX || pins > INT16_MAX))
                return error_set(err, E2BIG, "%u directories of the host: a machine takes %d", j->n_shares, SHARE_MAX);
        j->shares_at = MONITOR_LAYERS + (int)pins;
        return r < 0 ? r : 0;
}

static int read_pool(struct json_object *machine, struct monitor_pool *p, struct error *err)
{
        struct json_object *pool = NULL;
        int r = json_get_object(machine, "pool", &pool, err);

        if (r <= 0)
                return r;
        if (json_get_string(pool, "directory", &p->directory, err) <= 0 ||
            json_get_string(pool, "root", &p->root, err) <= 0 || json_get_u32(pool, "size", &p->size, err) <= 0 ||
            json_get_u32(pool, "seconds", &p->seconds, err) <= 0 || json_get_u32(pool, "session", &p->session, err) < 0)
                return missing("pool that makes sense", err);
        return 0;
}

static int read_modules(struct json_object *machine, struct monitor_job *j, struct error *err)
{
        struct json_object *modules = NULL;
        int r = json_get_object(machine, "modules", &modules, err);

        if (r > 0 && (json_get_string(modules, "path", &j->modules, err) <= 0 ||
                      json_get_u64(modules, "size", &j->modules_size, err) <= 0))
                return missing("modules that make sense", err);
        return r;
}

static int read_machine(struct json_object *machine, struct monitor_job *j, struct error *err)
{
        int r = read_layers(machine, j, err);

        if (r < 0)
                return r;
        if (json_get_u32(machine, "cpus", &j->cpus, err) <= 0 ||
            json_get_u32(machine, "memory", &j->memory_mib, err) <= 0)
                return missing("size", err);
        if (json_get_string(machine, "kernel", &j->kernel, err) <= 0 ||
            json_get_string(machine, "initramfs", &j->initramfs, err) <= 0)
                return missing("kernel", err);
        r = json_get_string(machine, "disk", &j->disk, err);
        if (r >= 0)
                r = json_get_string(machine, "cgroup", &j->cgroup, err);
        if (r >= 0)
                r = json_get_string(machine, "append", &j->append, err);
        if (r >= 0)
                r = json_get_object(machine, "limits", &j->limits, err);
        if (r >= 0)
                r = json_get_string(machine, "templates", &j->templates, err);
        if (r >= 0)
                r = json_get_u64(machine, "template_limit", &j->template_limit, err);
        if (r >= 0)
                r = json_get_string(machine, "copy", &j->copy, err);
        if (r >= 0)
                r = read_modules(machine, j, err);
        if (r >= 0)
                r = read_pool(machine, &j->pool, err);
        if (r >= 0)
                r = json_get_bool(machine, "tty", &j->tty, err);
        if (r >= 0)
                r = json_get_bool(machine, "network", &j->network, err);
        if (r >= 0)
                r = json_get_bool(machine, "keep", &j->keeps, err);
        return r < 0 ? r : read_shares(machine, j, err);
}

int monitor_job_read(const char *text, size_t len, struct monitor_job *ret, struct error *err)
{
        struct monitor_job j = {};
        struct json_object *machine = NULL;
        int r = json_parse(text, len, &j.json, err);

        if (r == 0 && !json_is_object(j.json))
                r = error_set(err, EINVAL, "the job of a virtual machine is no object");
        if (r == 0 && json_get_object(j.json, "machine", &machine, err) <= 0)
                r = missing("machine", err);
        if (r == 0)
                r = read_machine(machine, &j, err);
        if (r == 0 && json_get_object(j.json, "guest", &j.guest, err) <= 0)
                r = missing("guest", err);
        if (r == 0)
                r = json_get_object(j.json, "spec", &j.spec, err);
        if (r < 0) {
                monitor_job_finish(&j);
                return r;
        }
        *ret = j;
        return 0;
}
