/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/cpio.h"

#include <string.h>

static void pad(struct buf *out)
{
        static const char zeros[4] = {};

        buf_add(out, zeros, -out->len & 3);
}

static void add(struct buf *out, const char *name, mode_t mode, size_t len, unsigned major, unsigned minor)
{
        /* magic, inode, mode, uid, gid, links, time, size, device, device of a node, length of the name, checksum */
        buf_addf(out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 0, mode, 0, 0, 1, 0, len, 0, 0,
                 major, minor, strlen(name) + 1, 0);
        buf_add(out, name, strlen(name) + 1);
        pad(out);
}

void cpio_add(struct buf *out, const char *name, mode_t mode, const void *data, size_t len)
{
        add(out, name, mode, len, 0, 0);
        buf_add(out, data, len);
        pad(out);
}

void cpio_add_device(struct buf *out, const char *name, mode_t mode, unsigned major, unsigned minor)
{
        add(out, name, mode, 0, major, minor);
}

void cpio_end(struct buf *out)
{
        add(out, "TRAILER!!!", 0, 0, 0, 0);
}
