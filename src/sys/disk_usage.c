/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/disk_usage.h"

#include <errno.h>
#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>

enum { STAT_BLOCK = 512 };

int disk_usage(const char *path, uint64_t *ret)
{
        FTS *tree = fts_open((char *const[]){ (char *)path, NULL }, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
        uint64_t bytes = 0;
        FTSENT *entry;

        if (!tree)
                return -errno;
        while ((entry = fts_read(tree))) {
                if (entry->fts_info == FTS_F)
                        bytes += (uint64_t)entry->fts_statp->st_blocks * STAT_BLOCK;
        }
        fts_close(tree);
        *ret = bytes;
        return 0;
}
