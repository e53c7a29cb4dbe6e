/* SPDX-License-Identifier: Apache-2.0 */
/* v1's blkio: weights are there only with a scheduler that knows them (bfq, long ago cfq), throttles always. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "container/cgroup/hierarchy.h"
#include "container/cgroup/limits.h"

/* Tries the name of cfq's time, then bfq's. */
static int write_weight(struct limits *l, const char *limit, const char *file, const char *bfq, const char *value)
{
        int r = hierarchy_write(l->h, file, value);

        if (r == -ENOENT && bfq)
                r = hierarchy_write(l->h, bfq, value);
        if (r == -ENOENT && hierarchy_open(l->h) == 0)
                return error_set(l->err, EOPNOTSUPP,
                                 "linux.resources.%s: this host has no %s (blkio controller without weights)", limit,
                                 file);
        return r < 0 ? limits_error(l, limit, file, value, r) : 0;
}

static int set_weight(struct limits *l, const char *limit, const char *file, const char *bfq, const struct opt_u64 *w)
{
        char text[24];

        if (!w->set || !w->v)
                return 0;
        snprintf(text, sizeof text, "%" PRIu64, w->v);
        return write_weight(l, limit, file, bfq, text);
}

static int set_device_weights(struct limits *l, const struct spec_blkio_weight_device *d)
{
        char text[80];
        int r = 0;

        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor, d->weight.v);
        if (d->weight.set && d->weight.v)
                r = write_weight(l, "blockIO.weightDevice", "blkio.weight_device", "blkio.bfq.weight_device", text);
        if (r < 0 || !d->leaf_weight.set || !d->leaf_weight.v)
                return r;
        snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %" PRIu64, d->major, d->minor, d->leaf_weight.v);
        return write_weight(l, "blockIO.weightDevice", "blkio.leaf_weight_device", NULL, text);
}

static int set_throttles(struct limits *l, const char *limit, const char *file, const struct spec_blkio_throttles *t)
{
        char text[80];
        int r = 0;

        for (size_t i = 0; i < t->n && r == 0; i++) {
                snprintf(text, sizeof text, "%" PRId64 ":%" PRId64 " %" PRIu64, t->v[i].major, t->v[i].minor,
                         t->v[i].rate);
                r = limits_write(l, limit, file, text);
        }
        return r;
}

int limits_v1_blkio(struct limits *l)
{
        const struct spec_blkio *b = &l->res->blkio;
        int r = set_weight(l, "blockIO.weight", "blkio.weight", "blkio.bfq.weight", &b->weight);

        if (r == 0)
                r = set_weight(l, "blockIO.leafWeight", "blkio.leaf_weight", NULL, &b->leaf_weight);
        for (size_t i = 0; i < b->n_weight_devices && r == 0; i++)
                r = set_device_weights(l, &b->weight_devices[i]);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", &b->read_bps);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device",
                                  &b->write_bps);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device",
                                  &b->read_iops);
        if (r == 0)
                r = set_throttles(l, "blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
                                  &b->write_iops);
        return r;
}
