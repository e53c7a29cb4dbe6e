/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources (runtime-spec, config-linux.md#configLinuxCgroups) */
#include "oci/spec_parse.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"

static int device_number_read(struct json_object *o, const char *key, int64_t *ret, struct error *err)
{
        struct opt_i64 v = {};
        int r = read_opt_i64(o, key, &v, err);

        if (r < 0)
                return r;
        if (v.set && (v.v < -1 || v.v > UINT32_MAX))
                return error_set(err, EINVAL, "%s: %lld is no device number", key, (long long)v.v);
        *ret = v.set ? v.v : -1;
        return 0;
}

static int device_rule_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_device_rule *d = ret;
        const char *type = "a";

        d->access = "rwm";
        if (read_bool(o, "allow", &d->allow, err) < 0 || read_string(o, "type", &type, err) < 0 ||
            read_string(o, "access", &d->access, err) < 0 || device_number_read(o, "major", &d->major, err) < 0 ||
            device_number_read(o, "minor", &d->minor, err) < 0)
                return -err->code;
        if (!strchr("abc", *type) || type[1])
                return unknown_value(err, "type", type);
        if (d->access[strspn(d->access, "rwm")])
                return unknown_value(err, "access", d->access);
        d->type = *type;
        return 0;
}

static int memory_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_memory *m = ret;
        const struct {
                const char *key;
                struct opt_i64 *field;
        } sizes[] = {
                { "limit", &m->limit },   { "reservation", &m->reservation }, { "swap", &m->swap },
                { "kernel", &m->kernel }, { "kernelTCP", &m->kernel_tcp },
        };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                if (read_opt_i64(o, sizes[i].key, sizes[i].field, err) < 0)
                        return -err->code;
                if (sizes[i].field->v < -1)
                        return error_set(err, EINVAL, "%s: must be -1 or more", sizes[i].key);
        }
        if (read_opt_u64(o, "swappiness", UINT64_MAX, &m->swappiness, err) < 0 ||
            read_opt_bool(o, "disableOOMKiller", &m->disable_oom_killer, err) < 0 ||
            read_opt_bool(o, "useHierarchy", &m->use_hierarchy, err) < 0 ||
            read_opt_bool(o, "checkBeforeUpdate", &m->check_before_update, err) < 0)
                return -err->code;
        return 0;
}

static int cpu_list_read(struct json_object *o, const char *key, const char **ret, struct error *err)
{
        if (read_string(o, key, ret, err) < 0)
                return -err->code;
        return *ret && (*ret)[strspn(*ret, "0123456789,- \n")] ? unknown_value(err, key, *ret) : 0;
}

static int cpu_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_cpu *c = ret;

        if (read_opt_u64(o, "shares", UINT64_MAX, &c->shares, err) < 0 ||
            read_opt_u64(o, "burst", UINT64_MAX, &c->burst, err) < 0 ||
            read_opt_u64(o, "period", UINT64_MAX, &c->period, err) < 0 ||
            read_opt_u64(o, "realtimePeriod", UINT64_MAX, &c->realtime_period, err) < 0 ||
            read_opt_i64(o, "quota", &c->quota, err) < 0 ||
            read_opt_i64(o, "realtimeRuntime", &c->realtime_runtime, err) < 0 ||
            read_opt_i64(o, "idle", &c->idle, err) < 0 || cpu_list_read(o, "cpus", &c->cpus, err) < 0 ||
            cpu_list_read(o, "mems", &c->mems, err) < 0)
                return -err->code;
        return 0;
}

static int pids_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct opt_i64 *limit = ret;

        return read_opt_i64(o, "limit", limit, err);
}

/* major and minor of a block device must be given. */
static int block_device_read(struct json_object *o, int64_t *ret_major, int64_t *ret_minor, struct error *err)
{
        uint32_t major, minor;
        int r = json_get_u32(o, "major", &major, err), q;

        if (r < 0)
                return r;
        q = json_get_u32(o, "minor", &minor, err);
        if (q < 0)
                return q;
        if (!r || !q)
                return error_set(err, EINVAL, "%s: must be given", r ? "minor" : "major");
        *ret_major = major;
        *ret_minor = minor;
        return 0;
}

static int weight_device_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_blkio_weight_device *d = ret;

        if (block_device_read(o, &d->major, &d->minor, err) < 0 ||
            read_opt_u64(o, "weight", UINT16_MAX, &d->weight, err) < 0 ||
            read_opt_u64(o, "leafWeight", UINT16_MAX, &d->leaf_weight, err) < 0)
                return -err->code;
        if (!d->weight.set && !d->leaf_weight.set)
                return error_set(err, EINVAL, "weight: weight or leafWeight must be given");
        return 0;
}

static int throttle_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_blkio_throttle *t = ret;

        if (block_device_read(o, &t->major, &t->minor, err) < 0 || json_get_u64(o, "rate", &t->rate, err) < 0)
                return -err->code;
        return 0;
}

static int blkio_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_blkio *b = ret;
        const struct {
                const char *key;
                struct spec_blkio_throttles *field;
        } throttles[] = {
                { "throttleReadBpsDevice", &b->read_bps },
                { "throttleWriteBpsDevice", &b->write_bps },
                { "throttleReadIOPSDevice", &b->read_iops },
                { "throttleWriteIOPSDevice", &b->write_iops },
        };

        if (read_opt_u64(o, "weight", UINT16_MAX, &b->weight, err) < 0 ||
            read_opt_u64(o, "leafWeight", UINT16_MAX, &b->leaf_weight, err) < 0 ||
            read_objects(a, o, "weightDevice", weight_device_read, sizeof *b->weight_devices, &b->weight_devices,
                         &b->n_weight_devices, err) < 0)
                return -err->code;
        for (size_t i = 0; i < ARRAY_SIZE(throttles); i++) {
                struct spec_blkio_throttles *t = throttles[i].field;

                if (read_objects(a, o, throttles[i].key, throttle_read, sizeof *t->v, &t->v, &t->n, err) < 0)
                        return -err->code;
        }
        return 0;
}

/* It becomes part of a file's name: [1-9][0-9]*[KMG]B and nothing else. */
static bool is_page_size(const char *s)
{
        size_t digits = strspn(s, "0123456789");

        return digits && *s != '0' && s[digits] && strchr("KMG", s[digits]) && strcmp(s + digits + 1, "B") == 0;
}

static int hugepage_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_hugepage_limit *h = ret;
        int r;

        if (read_required(o, "pageSize", &h->page_size, err) < 0)
                return -err->code;
        if (!is_page_size(h->page_size))
                return error_set(err, EINVAL, "pageSize: \"%s\" is no page size such as 2MB", h->page_size);
        r = json_get_u64(o, "limit", &h->limit, err);
        if (r < 0)
                return r;
        return r ? 0 : error_set(err, EINVAL, "limit: must be given");
}

/* Names that are written into a line of their controller's file. */
static bool is_one_word(const char *s)
{
        return *s && !s[strcspn(s, " \t\n=")];
}

static int priority_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_net_priority *p = ret;

        if (read_required(o, "name", &p->name, err) < 0 || read_u32(o, "priority", &p->priority, err) < 0)
                return -err->code;
        return is_one_word(p->name) ? 0 : unknown_value(err, "name", p->name);
}

static int network_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_resources *s = ret;

        if (read_opt_u64(o, "classID", UINT32_MAX, &s->net_class_id, err) < 0)
                return -err->code;
        return read_objects(a, o, "priorities", priority_read, sizeof *s->net_priorities, &s->net_priorities,
                            &s->n_net_priorities, err);
}

struct rdma_fill {
        struct spec_rdma *next;
        struct error *err;
};

static int rdma_device_read(const char *key, struct json_object *value, void *userdata)
{
        struct rdma_fill *f = userdata;
        struct error *err = f->err;

        if (!is_one_word(key) || !json_is_object(value))
                return error_set(err, EINVAL, "rdma[\"%s\"]: expected a device's name and an object", key);
        f->next->device = key;
        if (read_opt_u64(value, "hcaHandles", UINT32_MAX, &f->next->hca_handles, err) < 0 ||
            read_opt_u64(value, "hcaObjects", UINT32_MAX, &f->next->hca_objects, err) < 0)
                return at_member(err, key), at_member(err, "rdma");
        f->next++;
        return 0;
}

static int rdma_read(struct arena *a, struct json_object *o, struct spec_resources *s, struct error *err)
{
        struct rdma_fill fill = { NULL, err };
        struct json_object *object;
        int r = json_get_object(o, "rdma", &object, err);

        if (r <= 0)
                return r;
        s->rdma = fill.next = arena_alloc(a, json_member_count(object), sizeof *s->rdma);
        if (!s->rdma)
                return no_memory(err);
        s->n_rdma = json_member_count(object);
        return json_each(object, rdma_device_read, &fill);
}

/* A key becomes a file's name in the container's cgroup: it must not lead out of it. */
static int unified_read(struct arena *a, struct json_object *o, struct spec_resources *s, struct error *err)
{
        if (read_str_map(a, o, "unified", &s->unified, err) < 0)
                return -err->code;
        for (size_t i = 0; i < s->unified.n; i++) {
                const char *key = s->unified.v[i].key;

                if (*key == '.' || strchr(key, '/') || !strchr(key, '.'))
                        return error_set(err, EINVAL, "unified: \"%s\" is no file of a cgroup", key);
        }
        return 0;
}

int resources_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_resources *s = ret;

        if (read_objects(a, o, "devices", device_rule_read, sizeof *s->devices, &s->devices, &s->n_devices, err) < 0 ||
            read_object(a, o, "memory", memory_read, &s->memory, err) < 0 ||
            read_object(a, o, "cpu", cpu_read, &s->cpu, err) < 0 ||
            read_object(a, o, "pids", pids_read, &s->pids_limit, err) < 0 ||
            read_object(a, o, "blockIO", blkio_read, &s->blkio, err) < 0 ||
            read_objects(a, o, "hugepageLimits", hugepage_read, sizeof *s->hugepages, &s->hugepages, &s->n_hugepages,
                         err) < 0 ||
            read_object(a, o, "network", network_read, s, err) < 0 || rdma_read(a, o, s, err) < 0 ||
            unified_read(a, o, s, err) < 0)
                return -err->code;
        return 0;
}
