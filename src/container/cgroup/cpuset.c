/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/cpuset.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sys/fd.h"

enum { MAX_LIST = 4096 };

/* Reads `file` of the parent of `path`, filling it there first if it is empty. */
static ssize_t parent_list(const char *path, size_t root_len, const char *file, char list[MAX_LIST])
{
        size_t len = (size_t)(strrchr(path, '/') - path);
        char name[PATH_MAX], parent[PATH_MAX];
        ssize_t n;
        int r;

        snprintf(name, sizeof name, "%.*s/%s", (int)len, path, file);
        n = fd_read_file_at(AT_FDCWD, name, list, MAX_LIST);
        if (n != 0 || len <= root_len)
                return n;
        snprintf(parent, sizeof parent, "%.*s", (int)len, path);
        n = parent_list(parent, root_len, file, list);
        if (n <= 0)
                return n;
        r = fd_write_file_at(AT_FDCWD, name, list);
        return r < 0 ? r : n;
}

static int inherit(const char *path, size_t root_len, const char *file, bool fresh)
{
        char name[PATH_MAX], list[MAX_LIST];
        ssize_t n;

        snprintf(name, sizeof name, "%s/%s", path, file);
        if (!fresh) {
                n = fd_read_file_at(AT_FDCWD, name, list, sizeof list);
                if (n != 0)
                        return n < 0 ? (int)n : 0;
        }
        n = parent_list(path, root_len, file, list);
        if (n < 0)
                return (int)n;
        return n ? fd_write_file_at(AT_FDCWD, name, list) : 0;
}

int cpuset_inherit(const char *path, unsigned long root_len, bool cpus, bool mems, bool fresh)
{
        int r = 0;

        if (cpus)
                r = inherit(path, root_len, "cpuset.cpus", fresh);
        if (r == 0 && mems)
                r = inherit(path, root_len, "cpuset.mems", fresh);
        return r;
}
