/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sparse_copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int copy_extent(int from, int to, off_t at, off_t end)
{
        while (at < end) {
                off_t out = at;
                ssize_t n = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
        }
        return 0;
}

int sparse_copy(int from, int to, off_t size)
{
        off_t at = 0;

        if (ioctl(to, FICLONE, from) == 0)
                return 0;
        if (ftruncate(to, size) < 0)
                return -errno;
        while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
                off_t end = lseek(from, at, SEEK_HOLE);
                int r = end < 0 ? -errno : copy_extent(from, to, at, end);

                if (r < 0)
                        return r;
                at = end;
        }
        return errno == ENXIO ? 0 : -errno;
}
