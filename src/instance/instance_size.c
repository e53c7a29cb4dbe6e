/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "instance/instance.h"
#include "sys/disk_usage.h"

int instance_size(const struct instance *i, uint64_t *ret, struct error *err)
{
        own_mem char *upper = NULL;
        int r;

        if (asprintf(&upper, "%s/%s", i->path, i->upper) < 0) {
                upper = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        r = disk_usage(upper, ret);
        return r < 0 ? error_errno(err, -r, "read %s", upper) : 0;
}
