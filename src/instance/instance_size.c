/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "instance/instance.h"

int instance_size(const struct instance *i, uint64_t *ret, struct error *err)
{
        own_mem char *upper = NULL;
        uint64_t bytes = 0;
        FTSENT *entry;
        FTS *tree;

        if (asprintf(&upper, "%s/upper", i->path) < 0) {
                upper = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        tree = fts_open((char *const[]){ upper, NULL }, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
        if (!tree)
                return error_errno(err, errno, "read %s", upper);
        while ((entry = fts_read(tree))) {
                if (entry->fts_info == FTS_F)
                        bytes += (uint64_t)entry->fts_statp->st_blocks * 512;
        }
        fts_close(tree);
        *ret = bytes;
        return 0;
}
