/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database_index.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Linux 5.14 */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The methods are the first member of the index. */
static int map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
        const struct database_index *index = (const struct database_index *)file->pMethods;
        int code = index->real->xShmMap(file, region, size, extend, ret);

        if (code != SQLITE_OK || !extend || !*ret)
                return code;
        /* What would be SIGBUS is EFAULT here; an older kernel does not know the word. */
        return madvise((void *)*ret, (size_t)size, MADV_POPULATE_WRITE) < 0 && errno == EFAULT ? SQLITE_FULL
                                                                                               : SQLITE_OK;
}

void database_index_guard(sqlite3 *db, const char *path, struct database_index *index)
{
        sqlite3_file *file = NULL;
        struct statfs fs;

        if (statfs(path, &fs) < 0 || fs.f_bsize >= sysconf(_SC_PAGESIZE))
                return;
        if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods)
                return;
        index->real = file->pMethods;
        index->methods = *index->real;
        index->methods.xShmMap = map;
        file->pMethods = &index->methods;
}
