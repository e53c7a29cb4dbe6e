/* SPDX-License-Identifier: Apache-2.0 */
/* --blkio-* and --device-{read,write}-{bps,iops}, checked as Docker does. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/flag_value.h"
#include "instance/resource_flags.h"

enum { LEAST_WEIGHT = 10, MOST_WEIGHT = 1000 };

/* "/dev/sda:VALUE" */
static int read_device(const char *flag, const char *text, struct stat *ret, const char **ret_value, struct error *err)
{
        const char *colon = strrchr(text, ':');
        char path[PATH_MAX];

        if (!colon || strncmp(text, "/dev/", 5) != 0 || (size_t)(colon - text) >= sizeof path)
                return flag_refuse(flag, text, "must be /dev/DEVICE:NUMBER", err);
        memcpy(path, text, (size_t)(colon - text));
        path[colon - text] = '\0';
        if (stat(path, ret) < 0)
                return error_errno(err, errno, "--%s %s", flag, path);
        if (!S_ISBLK(ret->st_mode))
                return error_set(err, ENOTBLK, "--%s %s: no block device", flag, path);
        *ret_value = colon + 1;
        return 0;
}

static void write_device(const struct stat *st, const char *key, int64_t value, struct json_writer *w)
{
        json_begin_object(w, NULL);
        json_write_u64(w, "major", major(st->st_rdev));
        json_write_u64(w, "minor", minor(st->st_rdev));
        json_write_i64(w, key, value);
        json_end_object(w);
}

/* v1 gives weights only with a scheduler that knows them. */
static bool has_weights(void)
{
        return resource_is_unified() || access("/sys/fs/cgroup/blkio/blkio.weight", F_OK) == 0 ||
               access("/sys/fs/cgroup/blkio/blkio.bfq.weight", F_OK) == 0;
}

static int read_weight(const char *flag, const char *text, const char *value, int64_t *ret, struct error *err)
{
        if (parse_i64(value, ret) == 0 && (*ret == 0 || (*ret >= LEAST_WEIGHT && *ret <= MOST_WEIGHT)))
                return 0;
        return flag_refuse(flag, text, "the weight must be from 10 to 1000, or 0 for none", err);
}

static int write_weight_devices(const struct instance_options *o, bool wanted, struct json_writer *w, struct error *err)
{
        const char *const *l = o->blkio_weight_device;
        const char *value = NULL;
        struct stat st = {};
        int64_t weight = 0;
        int r = 0;

        json_begin_array(w, "weightDevice");
        for (; r == 0 && l && *l; l++) {
                r = read_device("blkio-weight-device", *l, &st, &value, err);
                if (r == 0)
                        r = read_weight("blkio-weight-device", *l, value, &weight, err);
                if (r == 0 && wanted)
                        write_device(&st, "weight", weight, w);
        }
        json_end_array(w);
        return r;
}

static int write_weights(const struct instance_options *o, void (*warn)(const char *text), struct json_writer *w,
                         struct error *err)
{
        bool wanted = o->blkio_weight || o->blkio_weight_device, possible = wanted && has_weights();
        int64_t weight = 0;
        int r = o->blkio_weight ? read_weight("blkio-weight", o->blkio_weight, o->blkio_weight, &weight, err) : 0;

        if (r < 0)
                return r;
        if (wanted && !possible)
                warn("this host's block devices have no scheduler with weights: --blkio-weight is left out");
        if (weight && possible)
                json_write_i64(w, "weight", weight);
        return write_weight_devices(o, possible, w, err);
}

static int write_throttle(const char *flag, const char *key, const char *const *list, bool is_bytes,
                          struct json_writer *w, struct error *err)
{
        const char *value = NULL;
        struct stat st = {};
        int64_t rate = 0;
        int r = 0;

        if (!list)
                return 0;
        json_begin_array(w, key);
        for (; r == 0 && *list; list++) {
                r = read_device(flag, *list, &st, &value, err);
                if (r < 0)
                        break;
                if ((is_bytes ? parse_size(value, &rate) : parse_i64(value, &rate)) < 0 || rate < 0)
                        r = flag_refuse(flag, *list,
                                        is_bytes ? "the rate must be bytes a second, such as 10mb"
                                                 : "the rate must be a number a second",
                                        err);
                else
                        write_device(&st, "rate", rate, w);
        }
        json_end_array(w);
        return r;
}

int resource_flags_write_blkio(const struct instance_options *o, void (*warn)(const char *text), struct json_writer *w,
                               struct error *err)
{
        const struct {
                const char *flag, *key;
                const char *const *list;
                bool is_bytes;
        } throttles[] = {
                { "device-read-bps", "throttleReadBpsDevice", o->device_read_bps, true },
                { "device-write-bps", "throttleWriteBpsDevice", o->device_write_bps, true },
                { "device-read-iops", "throttleReadIOPSDevice", o->device_read_iops, false },
                { "device-write-iops", "throttleWriteIOPSDevice", o->device_write_iops, false },
        };
        bool any = o->blkio_weight || o->blkio_weight_device;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(throttles); i++)
                any |= throttles[i].list != NULL;
        if (!any)
                return 0;
        json_begin_object(w, "blockIO");
        r = write_weights(o, warn, w, err);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(throttles); i++)
                r = write_throttle(throttles[i].flag, throttles[i].key, throttles[i].list, throttles[i].is_bytes, w,
                                   err);
        json_end_object(w);
        return r;
}
