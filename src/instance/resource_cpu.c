/* SPDX-License-Identifier: Apache-2.0 */
/* --cpus, --cpu-* and --cpuset-*, checked as Docker does (moby: daemon/daemon_unix.go). */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "instance/flag_value.h"
#include "instance/resource_flags.h"

enum {
        PERIOD = 100000, /* us */
        LEAST_QUOTA = 1000,
        MOST_PERIOD = 1000000,
        LEAST_SHARES = 2,
        MOST_SHARES = 262144,
        MOST_CPUS = 1000000,
};

/* "1.5" processors as microseconds in each period. */
static int parse_cpus(const char *text, uint64_t *ret)
{
        char whole[16];
        size_t n = strcspn(text, ".");
        uint64_t value = 0, unit = PERIOD;

        if (n >= sizeof whole || (n == 0 && !text[0]))
                return -EINVAL;
        memcpy(whole, text, n);
        whole[n] = '\0';
        if (n && (parse_u64(whole, 10, &value) < 0 || value > MOST_CPUS))
                return -EINVAL;
        value *= PERIOD;
        for (const char *p = text + n + (text[n] == '.'); *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                unit /= 10;
                value += (uint64_t)(*p - '0') * unit;
        }
        *ret = value;
        return 0;
}

int resource_flags_cpus(const struct instance_options *o, uint64_t *ret, struct error *err)
{
        long online = sysconf(_SC_NPROCESSORS_ONLN);

        if (o->cpu_period || o->cpu_quota)
                return error_set(err, EINVAL, "--cpus and --%s contradict each other",
                                 o->cpu_period ? "cpu-period" : "cpu-quota");
        if (parse_cpus(o->cpus, ret) < 0)
                return flag_refuse("cpus", o->cpus, "no number of processors such as 1.5", err);
        if (*ret == 0)
                return 0;
        if (*ret < LEAST_QUOTA || (online > 0 && *ret > (uint64_t)online * PERIOD))
                return error_set(err, EINVAL, "--cpus \"%s\": must be from 0.01 to %ld, as many as there are", o->cpus,
                                 online);
        return 0;
}

/* 0 is as good as nothing. */
static int read_number(const char *flag, const char *value, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
        *ret = 0;
        if (!value || strcmp(value, "0") == 0)
                return 0;
        return flag_i64(flag, value, min, max, ret, err);
}

static int write_bandwidth(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int64_t quota = 0, period = 0;
        uint64_t cpus = 0;
        int r;

        if (o->cpus) {
                r = resource_flags_cpus(o, &cpus, err);
                quota = (int64_t)cpus;
                period = quota ? PERIOD : 0;
        } else {
                r = read_number("cpu-period", o->cpu_period, LEAST_QUOTA, MOST_PERIOD, &period, err);
                if (r == 0 && o->cpu_quota && strcmp(o->cpu_quota, "-1") == 0)
                        quota = -1;
                else if (r == 0)
                        r = read_number("cpu-quota", o->cpu_quota, LEAST_QUOTA, INT64_MAX, &quota, err);
        }
        if (r < 0)
                return r;
        if (quota)
                json_write_i64(w, "quota", quota);
        if (period)
                json_write_i64(w, "period", period);
        return 0;
}

/* "0-3,7"; which of them are there is the kernel's to say. */
static int write_list(const char *flag, const char *key, const char *value, struct json_writer *w, struct error *err)
{
        if (!value || !*value)
                return 0;
        if (strspn(value, "0123456789,-") != strlen(value) || !strpbrk(value, "0123456789"))
                return flag_refuse(flag, value, "no list such as 0-3,7", err);
        json_write_string(w, key, value);
        return 0;
}

int resource_flags_write_cpu(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int64_t shares;
        int r = read_number("cpu-shares", o->cpu_shares, LEAST_SHARES, MOST_SHARES, &shares, err);

        if (r < 0)
                return r;
        json_begin_object(w, "cpu");
        if (shares)
                json_write_i64(w, "shares", shares);
        r = write_bandwidth(o, w, err);
        if (r == 0)
                r = write_list("cpuset-cpus", "cpus", o->cpuset_cpus, w, err);
        if (r == 0)
                r = write_list("cpuset-mems", "mems", o->cpuset_mems, w, err);
        json_end_object(w);
        return r;
}
