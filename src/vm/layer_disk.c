/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/layer_disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>

static bool can_be_said(const char *path)
{
        for (; *path; path++)
                if (*path == '"' || (unsigned char)*path < ' ')
                        return false;
        return true;
}

int layer_disk_describe(const struct layer_extent *v, size_t n, struct buf *ret, struct error *err)
{
        buf_add_str(ret, "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
                         "createType=\"monolithicFlat\"\n");
        for (size_t i = 0; i < n; i++) {
                if (!can_be_said(v[i].path))
                        return error_set(err, EINVAL, "a layer's path has a quote or a control character");
                buf_addf(ret, "RW %" PRIu64 " FLAT \"%s\" 0\n", v[i].size / LAYER_DISK_SECTOR, v[i].path);
        }
        return buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : 0;
}
