/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "container/cgroup/hierarchy.h"

int limits_error(struct limits *l, const char *limit, const char *file, const char *value, int r)
{
        struct cgroup_hierarchy *h = l->h;
        char have[256];

        if (r != -ENOENT && r != -ENODEV)
                return error_errno(l->err, -r, "linux.resources.%s: write \"%s\" to %s%s/%s", limit, value, h->root,
                                   h->path ? h->path : "", file);
        if (hierarchy_open(h) < 0)
                return error_set(l->err, ENOENT, "linux.resources.%s: the container has no cgroup below %s", limit,
                                 h->root);
        if (!hierarchy_is_v2(h) || hierarchy_read(h, "cgroup.controllers", have, sizeof have) < 0)
                return error_set(l->err, EOPNOTSUPP, "linux.resources.%s: this host has no %s", limit, file);
        return error_set(l->err, EOPNOTSUPP,
                         "linux.resources.%s: this host has no %s in cgroup %s%s (its controllers: %s)", limit, file,
                         h->root, h->path, have[0] ? have : "none");
}

int limits_write(struct limits *l, const char *limit, const char *file, const char *value)
{
        int r = hierarchy_write(l->h, file, value);

        return r < 0 ? limits_error(l, limit, file, value, r) : 0;
}

int limits_write_i64(struct limits *l, const char *limit, const char *file, int64_t value)
{
        char text[32];

        snprintf(text, sizeof text, "%" PRId64, value);
        return limits_write(l, limit, file, text);
}

int limits_write_u64(struct limits *l, const char *limit, const char *file, uint64_t value)
{
        char text[32];

        snprintf(text, sizeof text, "%" PRIu64, value);
        return limits_write(l, limit, file, text);
}
