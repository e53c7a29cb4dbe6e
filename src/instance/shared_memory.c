/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/flag_value.h"
#include "sys/fd.h"
#include "sys/user_namespace.h"

enum { DEFAULT_SIZE = 64 << 20 };

int shared_memory_path(const char *run, const char *id, char ret[PATH_MAX], struct error *err)
{
        return snprintf(ret, PATH_MAX, "%s/shm/%s", run, id) < PATH_MAX ? 0 : error_errno(err, ENAMETOOLONG, "%s", run);
}

int shared_memory_open(const char *run, const char *id, const char *size, char ret[PATH_MAX], struct error *err)
{
        int64_t bytes = 0;
        char options[64];
        int r = size ? flag_size("shm-size", size, &bytes, err) : 0;

        if (r == 0)
                r = shared_memory_path(run, id, ret, err);
        if (r < 0)
                return r;
        shared_memory_close(run, id);
        r = fd_mkdir_all(ret, 0700);
        if (r < 0)
                return error_errno(err, -r, "make %s", ret);
        if (user_namespace_is_nested())
                return chmod(ret, 01777) < 0 ? error_errno(err, errno, "make %s", ret) : 0;
        snprintf(options, sizeof options, "mode=1777,size=%lld", (long long)(bytes > 0 ? bytes : DEFAULT_SIZE));
        if (mount("shm", ret, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
                return error_errno(err, errno, "mount %s", ret);
        return 0;
}

int shared_memory_find(const char *run, const char *id, char ret[PATH_MAX], struct error *err)
{
        int r = shared_memory_path(run, id, ret, err);

        if (r < 0)
                return r;
        return access(ret, F_OK) == 0 ? 0
                                      : error_set(err, ENOENT, "its IPC is its own; --ipc shareable would share it");
}

void shared_memory_close(const char *run, const char *id)
{
        char path[PATH_MAX];

        if (shared_memory_path(run, id, path, NULL) < 0)
                return;
        umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
        if (rmdir(path) < 0 && errno == ENOTEMPTY)
                user_namespace_remove_tree(AT_FDCWD, path, NULL);
}
