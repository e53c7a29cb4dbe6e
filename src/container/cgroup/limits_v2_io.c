/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup2's io controller: weights by bfq or by io.cost, throttles in one file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "container/cgroup/convert.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

static int set_weight(struct limits *l, const struct opt_u64 *weight)
{
        char text[32];
        int r;

        if (!weight->set || !weight->v)
                return 0;
        snprintf(text, sizeof text, "%" PRIu64, weight->v);
        r = hierarchy_write(l->h, "io.bfq.weight", text);
        if (r != -ENOENT)
                return r < 0 ? limits_error(l, "blockIO.weight", "io.bfq.weight", text, r) : 0;
        snprintf(text, sizeof text, "default %" PRIu64, convert_io_weight(weight->v));
        return limits_write(l, "blockIO.weight", "io.weight", text);
}

/* bfq knows weights of devices since Linux 5.4; io.weight has always known them. */
static int set_device_weight(struct limits *l, const struct spec_blkio_weight_device *d)
{
        char text[80];
        int r;

        if (d->leaf_weight.set && d->leaf_weight.v)
                return error_set(l->err, EOPNOTSUPP,
                                 "linux.resources.blockIO.weightDevice: cgroup v2 has no leafWeight");
        if (!d->weight.set || !d->weight.v)
                return 0;
        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor, d->weight.v);
        r = hierarchy_write(l->h, "io.bfq.weight", text);
        if (r != -ENOENT)
                return r < 0 ? limits_error(l, "blockIO.weightDevice", "io.bfq.weight", text, r) : 0;
        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor,
                 convert_io_weight(d->weight.v));
        return limits_write(l, "blockIO.weightDevice", "io.weight", text);
}

static int set_throttles(struct limits *l, const char *limit, const char *key, const struct spec_blkio_throttles *t)
{
        char text[80];
        int r = 0;

        for (size_t i = 0; i < t->n && r == 0; i++) {
                const struct spec_blkio_throttle *d = &t->v[i];

                /* v1 lifted a limit by 0; v2 calls that "max". */
                if (d->rate)
                        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %s=%" PRIu64, d->major, d->minor, key,
                                 d->rate);
                else
                        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %s=max", d->major, d->minor, key);
                r = limits_write(l, limit, "io.max", text);
        }
        return r;
}

int limits_v2_io(struct limits *l)
{
        const struct spec_blkio *b = &l->res->blkio;
        int r = set_weight(l, &b->weight);

        if (r == 0 && b->leaf_weight.set && b->leaf_weight.v)
                r = error_set(l->err, EOPNOTSUPP, "linux.resources.blockIO.leafWeight: cgroup v2 has no such limit");
        for (size_t i = 0; i < b->n_weight_devices && r == 0; i++)
                r = set_device_weight(l, &b->weight_devices[i]);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleReadBpsDevice", "rbps", &b->read_bps);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleWriteBpsDevice", "wbps", &b->write_bps);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleReadIOPSDevice", "riops", &b->read_iops);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleWriteIOPSDevice", "wiops", &b->write_iops);
        return r;
}
