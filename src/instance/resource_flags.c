/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/resource_flags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"
#include "base/parse.h"

enum { PERIOD = 100000, NAME_SIZE = 4096 };

static int bad(const char *flag, const char *value, struct error *err)
{
        return error_set(err, EINVAL, "--%s \"%s\" is not understood", flag, value);
}

/* ---- devices: "/dev/x[:/dev/y][:rwm]" ---- */

struct device_flag {
        char path[NAME_SIZE]; /* in the container */
        char access[4];
        struct stat st;
};

static int read_device(const char *text, struct device_flag *ret, struct error *err)
{
        char source[NAME_SIZE];
        size_t n = strcspn(text, ":");
        const char *rest = text[n] ? text + n + 1 : "";

        snprintf(source, sizeof source, "%.*s", (int)n, text);
        snprintf(ret->access, sizeof ret->access, "rwm");
        snprintf(ret->path, sizeof ret->path, "%s", source);
        if (*rest == '/') {
                n = strcspn(rest, ":");
                snprintf(ret->path, sizeof ret->path, "%.*s", (int)n, rest);
                rest += n + (rest[n] == ':');
        }
        if (*rest && (strlen(rest) > 3 || strspn(rest, "rwm") != strlen(rest)))
                return bad("device", text, err);
        if (*rest)
                snprintf(ret->access, sizeof ret->access, "%s", rest);
        if (stat(source, &ret->st) < 0)
                return error_errno(err, errno, "--device %s", source);
        return S_ISCHR(ret->st.st_mode) || S_ISBLK(ret->st.st_mode)
                       ? 0
                       : error_set(err, EINVAL, "--device %s: no device", source);
}

static void write_device(const struct device_flag *d, bool is_rule, struct json_writer *w)
{
        json_begin_object(w, NULL);
        if (is_rule) {
                json_write_bool(w, "allow", true);
                json_write_string(w, "access", d->access);
        } else {
                json_write_string(w, "path", d->path);
                json_write_u64(w, "fileMode", d->st.st_mode & 0777);
                json_write_u64(w, "uid", d->st.st_uid);
                json_write_u64(w, "gid", d->st.st_gid);
        }
        json_write_string(w, "type", S_ISCHR(d->st.st_mode) ? "c" : "b");
        json_write_u64(w, "major", major(d->st.st_rdev));
        json_write_u64(w, "minor", minor(d->st.st_rdev));
        json_end_object(w);
}

/* The rules forbid all but what every container has, which the runtime adds, and what was asked for. */
static int write_devices(const struct instance_options *o, bool rules, struct json_writer *w, struct error *err)
{
        struct device_flag d;
        int r = 0;

        json_begin_array(w, "devices");
        if (rules) {
                json_begin_object(w, NULL);
                json_write_bool(w, "allow", false);
                json_write_string(w, "access", "rwm");
                json_end_object(w);
        }
        for (size_t i = 0; r == 0 && o->device && o->device[i]; i++) {
                r = read_device(o->device[i], &d, err);
                if (r == 0)
                        write_device(&d, rules, w);
        }
        json_end_array(w);
        return r;
}

/* ---- limits ---- */

static int write_memory(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int64_t limit, swap;

        if (!o->memory && !o->memory_swap)
                return 0;
        if (!o->memory || parse_size(o->memory, &limit) < 0)
                return bad("memory", o->memory ? o->memory : "", err);
        /* As much swap again, as Docker has it. */
        swap = limit < 0 || limit > INT64_MAX / 2 ? -1 : limit * 2;
        if (o->memory_swap && parse_size(o->memory_swap, &swap) < 0)
                return bad("memory-swap", o->memory_swap, err);
        json_begin_object(w, "memory");
        json_write_i64(w, "limit", limit);
        json_write_i64(w, "swap", swap);
        json_end_object(w);
        return 0;
}

/* "1.5" processors as microseconds in each period. */
static int parse_cpus(const char *text, uint64_t *ret)
{
        char whole[16];
        size_t n = strcspn(text, ".");
        uint64_t value = 0, unit = PERIOD;

        if (n >= sizeof whole)
                return -EINVAL;
        memcpy(whole, text, n);
        whole[n] = '\0';
        if (n && (parse_u64(whole, 10, &value) < 0 || value > 1000000))
                return -EINVAL;
        value *= PERIOD;
        for (const char *p = text + n + (text[n] == '.'); *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                unit /= 10;
                value += (uint64_t)(*p - '0') * unit;
        }
        *ret = value;
        return value ? 0 : -EINVAL;
}

static int write_cpu(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        uint64_t quota, shares;

        if (!o->cpus && !o->cpu_shares && !o->cpuset_cpus)
                return 0;
        json_begin_object(w, "cpu");
        if (o->cpus) {
                if (parse_cpus(o->cpus, &quota) < 0)
                        return bad("cpus", o->cpus, err);
                json_write_u64(w, "quota", quota);
                json_write_u64(w, "period", PERIOD);
        }
        if (o->cpu_shares) {
                if (parse_u64(o->cpu_shares, 10, &shares) < 0)
                        return bad("cpu-shares", o->cpu_shares, err);
                json_write_u64(w, "shares", shares);
        }
        if (o->cpuset_cpus)
                json_write_string(w, "cpus", o->cpuset_cpus);
        json_end_object(w);
        return 0;
}

static int write_pids(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int64_t limit;

        if (!o->pids_limit)
                return 0;
        if (parse_i64(o->pids_limit, &limit) < 0)
                return bad("pids-limit", o->pids_limit, err);
        json_begin_object(w, "pids");
        json_write_i64(w, "limit", limit > 0 ? limit : -1);
        json_end_object(w);
        return 0;
}

int resource_flags_write(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int r = write_devices(o, false, w, err);

        json_begin_object(w, "resources");
        if (r == 0)
                r = write_devices(o, true, w, err);
        if (r == 0)
                r = write_memory(o, w, err);
        if (r == 0)
                r = write_cpu(o, w, err);
        if (r == 0)
                r = write_pids(o, w, err);
        json_end_object(w);
        return r;
}

/* ---- rlimits ---- */

static int parse_limit(const char *text, uint64_t *ret)
{
        if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_u64(text, 10, ret);
}

static int write_rlimit(const char *text, struct json_writer *w, struct error *err)
{
        char name[32] = "RLIMIT_", soft[24];
        size_t n = strcspn(text, "="), m;
        const char *value = text[n] ? text + n + 1 : "";
        uint64_t s = 0, h = 0;

        for (size_t i = 0; i < n && i + 8 < sizeof name; i++)
                name[i + 7] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 0x20 : text[i]);
        m = strcspn(value, ":");
        snprintf(soft, sizeof soft, "%.*s", (int)m, value);
        if (parse_limit(soft, &s) < 0 || (value[m] && parse_limit(value + m + 1, &h) < 0))
                return bad("ulimit", text, err);
        if (!value[m])
                h = s;
        json_begin_object(w, NULL);
        json_write_string(w, "type", name);
        json_write_u64(w, "soft", s);
        json_write_u64(w, "hard", h);
        json_end_object(w);
        return 0;
}

int resource_flags_write_rlimits(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int r = 0;

        if (!o->ulimit)
                return 0;
        json_begin_array(w, "rlimits");
        for (size_t i = 0; r == 0 && o->ulimit[i]; i++)
                r = write_rlimit(o->ulimit[i], w, err);
        json_end_array(w);
        return r;
}
