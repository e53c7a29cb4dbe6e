/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/cgroup/convert.h"
#include "container/cgroup/devices.h"
#include "sys/dbus.h"

/* First versions of systemd that know a property; an unknown one would spoil the whole call. */
enum { HAS_DEVICE_NUMBERS = 240, HAS_QUOTA_PERIOD = 242, HAS_CPUSET = 244, HAS_CPU_IDLE = 252 };

enum { MAX_CPU = 8192, DEFAULT_PERIOD = 100000, QUOTA_STEP = 10000, USEC_PER_SEC = 1000000 };

static void begin_property(struct buf *b, const char *name, const char *type)
{
        dbus_begin_struct(b);
        dbus_add_string(b, name);
        dbus_add_signature(b, type);
}

void property_add_string(struct buf *b, const char *name, const char *value)
{
        begin_property(b, name, "s");
        dbus_add_string(b, value);
}

void property_add_bool(struct buf *b, const char *name, bool value)
{
        begin_property(b, name, "b");
        dbus_add_bool(b, value);
}

void property_add_u64(struct buf *b, const char *name, uint64_t value)
{
        begin_property(b, name, "t");
        dbus_add_u64(b, value);
}

void property_add_string_list(struct buf *b, const char *name, const char *value)
{
        struct dbus_array a;

        begin_property(b, name, "as");
        a = dbus_begin_array(b, 4);
        dbus_add_string(b, value);
        dbus_end_array(b, a);
}

void property_add_pid(struct buf *b, pid_t pid)
{
        struct dbus_array a;

        begin_property(b, "PIDs", "au");
        a = dbus_begin_array(b, 4);
        dbus_add_u32(b, (uint32_t)pid);
        dbus_end_array(b, a);
}

/* One element of a CPU list, blanks around it allowed: "3" or "3-5". */
static int set_range(char *range, uint8_t *bits, size_t *n)
{
        char *last = range, *first = strsep(&last, "-");
        uint32_t from, to;

        if (parse_u32(first, 10, &from) < 0 || (last && parse_u32(last, 10, &to) < 0))
                return -EINVAL;
        if (!last)
                to = from;
        if (from > to || to >= MAX_CPU)
                return -EINVAL;
        for (uint32_t i = from; i <= to; i++)
                bits[i / 8] |= (uint8_t)(1U << i % 8);
        if (*n < to / 8 + 1)
                *n = to / 8 + 1;
        return 0;
}

int cpu_list_to_bits(const char *list, uint8_t **ret, size_t *ret_n)
{
        own_mem uint8_t *bits = calloc(1, MAX_CPU / 8);
        own_mem char *copy = strdup(list);
        char *rest = copy, *range;
        size_t n = 0;

        if (!bits || !copy)
                return -ENOMEM;
        while ((range = strsep(&rest, ", \t\n"))) {
                if (*range && set_range(range, bits, &n) < 0)
                        return -EINVAL;
        }
        if (!n)
                return -EINVAL;
        *ret = take_ptr(bits);
        *ret_n = n;
        return 0;
}

static int add_cpu_list(struct buf *b, const char *name, const char *limit, const char *list, struct error *err)
{
        own_mem uint8_t *bits = NULL;
        struct dbus_array a;
        size_t n;

        if (!list || !*list)
                return 0;
        if (cpu_list_to_bits(list, &bits, &n) < 0)
                return error_set(err, EINVAL, "linux.resources.%s: \"%s\" is no list of numbers", limit, list);
        begin_property(b, name, "ay");
        a = dbus_begin_array(b, 1);
        buf_add(b, bits, n);
        dbus_end_array(b, a);
        return 0;
}

/* systemd keeps the quota in whole percents of a CPU: never less than what was asked for. The file gets it exactly. */
static void add_quota(struct buf *b, const struct spec_cpu *c, unsigned version)
{
        uint64_t period = c->period.set ? c->period.v : 0, per_second = UINT64_MAX;
        int64_t quota = c->quota.set ? c->quota.v : 0;

        if (!quota && !period)
                return;
        if (period && version >= HAS_QUOTA_PERIOD)
                property_add_u64(b, "CPUQuotaPeriodUSec", period);
        if (quota > 0) {
                per_second = (uint64_t)((double)quota * USEC_PER_SEC / (double)(period ? period : DEFAULT_PERIOD));
                per_second = (per_second + QUOTA_STEP - 1) / QUOTA_STEP * QUOTA_STEP;
        }
        property_add_u64(b, "CPUQuotaPerSecUSec", per_second);
}

static void add_cpu(struct buf *b, const struct cgroup *cg, const struct spec_cpu *c, unsigned version)
{
        bool shares = c->shares.set && c->shares.v;

        if (!cg->unified && shares)
                property_add_u64(b, "CPUShares", c->shares.v);
        else if (cg->unified && c->idle.set && c->idle.v == 1 && version >= HAS_CPU_IDLE)
                property_add_u64(b, "CPUWeight", 0); /* its word for idle */
        else if (shares)
                property_add_u64(b, "CPUWeight", convert_shares(c->shares.v));
        add_quota(b, c, version);
}

/* -1 becomes UINT64_MAX, which is systemd's infinity. */
static void add_memory(struct buf *b, const struct cgroup *cg, const struct spec_memory *m)
{
        int64_t limit = m->limit.set ? m->limit.v : 0, swap;

        if (limit)
                property_add_u64(b, cg->unified ? "MemoryMax" : "MemoryLimit", (uint64_t)limit);
        if (!cg->unified)
                return;
        if (m->reservation.set && m->reservation.v)
                property_add_u64(b, "MemoryLow", (uint64_t)m->reservation.v);
        /* A sum that makes no sense is refused where the file is written. */
        if (((m->swap.set && m->swap.v) || limit < 0) && convert_swap(m->swap.set ? m->swap.v : 0, limit, &swap) == 0)
                property_add_u64(b, "MemorySwapMax", (uint64_t)swap);
}

/* A device in systemd's words: "char-*", "char-136", "/dev/char/1:3". It has no word for "any major, this minor". */
static bool device_name(const struct device_exception *e, char *ret, size_t size)
{
        const char *kind = e->type == 'b' ? "block" : "char";

        if (e->major == -1 && e->minor != -1)
                return false;
        if (e->major == -1)
                snprintf(ret, size, "%s-*", kind);
        else if (e->minor == -1)
                snprintf(ret, size, "%s-%lld", kind, (long long)e->major);
        else
                snprintf(ret, size, "/dev/%s/%lld:%lld", kind, (long long)e->major, (long long)e->minor);
        return true;
}

static void add_device(struct buf *b, const struct device_exception *e)
{
        char name[64], access[4];

        if (!device_name(e, name, sizeof name))
                return;
        snprintf(access, sizeof access, "%s%s%s", e->access & BPF_DEVCG_ACC_READ ? "r" : "",
                 e->access & BPF_DEVCG_ACC_WRITE ? "w" : "", e->access & BPF_DEVCG_ACC_MKNOD ? "m" : "");
        dbus_begin_struct(b);
        dbus_add_string(b, name);
        dbus_add_string(b, access);
}

static void add_device_allow(struct buf *b, const struct device_exception *v, size_t n)
{
        struct dbus_array a;

        begin_property(b, "DeviceAllow", "a(ss)");
        a = dbus_begin_array(b, 8);
        for (size_t i = 0; i < n; i++)
                add_device(b, &v[i]);
        dbus_end_array(b, a);
}

/*
 * systemd filters by a program of its own, and a device has to pass both its and ours. A list of denied devices
 * it does not have: then it allows all, and ours decides. An empty list clears what an update would add to.
 */
static void add_devices(struct buf *b, const struct spec_resources *res, unsigned version)
{
        own_device_list struct device_list list = {};
        bool strict = device_list_fold(res, &list, NULL) == 0 && !list.allow && version >= HAS_DEVICE_NUMBERS;

        property_add_string(b, "DevicePolicy", strict ? "strict" : "auto");
        add_device_allow(b, NULL, 0);
        if (strict)
                add_device_allow(b, list.v, list.n);
}

/* "max" or a number */
static bool parse_max(const char *text, uint64_t *ret)
{
        if (strcmp(text, "max") == 0) {
                *ret = UINT64_MAX;
                return true;
        }
        return parse_u64(text, 10, ret) == 0;
}

/* "QUOTA" or "QUOTA PERIOD"; a quota of "max" is -1 (cgroup-v2.rst, cpu.max). */
static bool parse_cpu_max(const char *text, struct spec_cpu *ret)
{
        const char *space = strchrnul(text, ' ');
        char quota[24];
        uint64_t v;

        if ((size_t)snprintf(quota, sizeof quota, "%.*s", (int)(space - text), text) >= sizeof quota ||
            !parse_max(quota, &v) || (v > INT64_MAX && v != UINT64_MAX))
                return false;
        ret->quota.set = true;
        ret->quota.v = (int64_t)v;
        ret->period.set = *space;
        return !*space || (parse_u64(space + 1, 10, &ret->period.v) == 0 && ret->period.v);
}

/* One of those that are more than a number. */
static int add_unified_text(struct buf *b, const char *key, const char *value, unsigned version, struct error *err)
{
        struct spec_cpu cpu = {};

        if (strcmp(key, "cpu.max") == 0 && parse_cpu_max(value, &cpu))
                add_quota(b, &cpu, version);
        if (version < HAS_CPUSET)
                return 0;
        if (strcmp(key, "cpuset.cpus") == 0)
                return add_cpu_list(b, "AllowedCPUs", "unified.cpuset.cpus", value, err);
        if (strcmp(key, "cpuset.mems") == 0)
                return add_cpu_list(b, "AllowedMemoryNodes", "unified.cpuset.mems", value, err);
        return 0;
}

/* What systemd has of linux.resources.unified; the rest, and what is malformed, is the kernel's to judge. */
static int add_unified(struct buf *b, const struct str_map *unified, unsigned version, struct error *err)
{
        static const struct {
                const char *file, *property;
        } known[] = {
                { "cpu.weight", "CPUWeight" },          { "io.weight", "IOWeight" },   { "memory.high", "MemoryHigh" },
                { "memory.low", "MemoryLow" },          { "memory.max", "MemoryMax" }, { "memory.min", "MemoryMin" },
                { "memory.swap.max", "MemorySwapMax" }, { "pids.max", "TasksMax" },
        };

        for (size_t i = 0; i < unified->n; i++) {
                const char *key = unified->v[i].key, *value = unified->v[i].value;
                uint64_t v;
                int r;

                for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
                        if (strcmp(key, known[k].file) == 0 && parse_max(value, &v))
                                property_add_u64(b, known[k].property, v);
                }
                r = add_unified_text(b, key, value, version, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int properties_add_resources(struct buf *b, const struct cgroup *cg, const struct spec_resources *res, unsigned version,
                             bool devices, struct error *err)
{
        const struct spec_blkio *io = &res->blkio;
        int r = 0;

        if (devices)
                add_devices(b, res, version);
        add_memory(b, cg, &res->memory);
        add_cpu(b, cg, &res->cpu, version);
        if (!cg->unified && io->weight.set && io->weight.v)
                property_add_u64(b, "BlockIOWeight", io->weight.v);
        if (res->pids_limit.set && res->pids_limit.v)
                property_add_u64(b, "TasksMax", res->pids_limit.v < 0 ? UINT64_MAX : (uint64_t)res->pids_limit.v);
        if (cg->unified)
                r = add_unified(b, &res->unified, version, err);
        if (r < 0 || version < HAS_CPUSET)
                return r;
        r = add_cpu_list(b, "AllowedCPUs", "cpu.cpus", res->cpu.cpus, err);
        return r < 0 ? r : add_cpu_list(b, "AllowedMemoryNodes", "cpu.mems", res->cpu.mems, err);
}
