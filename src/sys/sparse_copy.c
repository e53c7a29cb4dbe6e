/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sparse_copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int copy_extent(int from, off_t at, off_t end, int to, off_t out)
{
        while (at < end) {
                ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
        }
        return 0;
}

int sparse_copy_range(int from, off_t start, int to, off_t out, off_t length)
{
        off_t at = start, end = start + length;

        while (at < end && (at = lseek(from, at, SEEK_DATA)) >= 0 && at < end) {
                off_t hole = lseek(from, at, SEEK_HOLE);
                int r;

                if (hole < 0)
                        return -errno;
                hole = hole < end ? hole : end;
                r = copy_extent(from, at, hole, to, out + (at - start));
                if (r < 0)
                        return r;
                at = hole;
        }
        return at < 0 && errno != ENXIO ? -errno : 0;
}

int sparse_copy(int from, int to, off_t size)
{
        if (ioctl(to, FICLONE, from) == 0)
                return 0;
        if (ftruncate(to, size) < 0)
                return -errno;
        return sparse_copy_range(from, 0, to, 0, size);
}
