/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/namespace_pids.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/grow.h"
#include "base/own.h"
#include "base/parse.h"

static bool find_namespace(const char *pid, struct stat *ret)
{
        char path[64];

        snprintf(path, sizeof path, "/proc/%.20s/ns/pid", pid);
        return stat(path, ret) == 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
        return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static int collect(DIR *dir, const struct stat *wanted, pid_t **pids, size_t *ret_n)
{
        size_t cap = 0;
        struct dirent *e;

        while ((e = readdir(dir))) {
                struct stat its;
                uint32_t pid;

                if (parse_u32(e->d_name, 10, &pid) < 0 || !find_namespace(e->d_name, &its) || !is_same(wanted, &its))
                        continue;
                if (array_grow(pids, &cap, *ret_n + 1, sizeof **pids) < 0)
                        return -ENOMEM;
                (*pids)[(*ret_n)++] = (pid_t)pid;
        }
        return 0;
}

int namespace_pids(pid_t init, pid_t **ret, size_t *ret_n, struct error *err)
{
        own_dir DIR *dir = opendir("/proc");
        own_mem pid_t *pids = NULL;
        struct stat wanted, ours;
        char number[16];
        size_t n = 0;

        snprintf(number, sizeof number, "%d", (int)init);
        if (!dir || !find_namespace("self", &ours))
                return error_errno(err, errno, "read /proc");
        if (!find_namespace(number, &wanted))
                return error_errno(err, errno, "look at process %d", (int)init);
        if (is_same(&ours, &wanted))
                return error_set(err, EOPNOTSUPP,
                                 "its processes cannot be told from others: it has neither a cgroup "
                                 "nor a pid namespace of its own");
        if (collect(dir, &wanted, &pids, &n) < 0)
                return error_set(err, ENOMEM, "out of memory");
        *ret = take_ptr(pids);
        *ret_n = n;
        return 0;
}
