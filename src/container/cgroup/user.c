/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup.h"
#include "sys/fd.h"

/* "0::/user.slice/..." and nothing else: cgroup v2 alone. */
static bool find_own(char *text, size_t size, const char **ret)
{
        char *end;

        if (fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", text, size) <= 0 || strncmp(text, "0::/", 4) != 0)
                return false;
        end = strchr(text, '\n');
        if (end && end[1])
                return false;
        if (end)
                *end = '\0';
        *ret = text + 3;
        return true;
}

/* A process that is cloned into a cgroup beside ours has to be allowed to leave the one above both. */
static bool is_parent_ours(const char *own)
{
        const char *slash = strrchr(own, '/');
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/cgroup.procs", (int)(slash - own), own);

        return slash != own && !strstr(own, "/..") && n > 0 && n < (int)sizeof path && access(path, W_OK) == 0;
}

static bool has_systemd(void)
{
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        char path[PATH_MAX];

        return runtime && *runtime && snprintf(path, sizeof path, "%s/systemd/private", runtime) < (int)sizeof path &&
               access(path, W_OK) == 0;
}

enum cgroup_of_user cgroup_of_user(void)
{
        char text[PATH_MAX];
        const char *own;

        if (!find_own(text, sizeof text, &own))
                return CGROUP_OF_USER_NONE;
        if (is_parent_ours(own))
                return CGROUP_OF_USER_BESIDE;
        return has_systemd() ? CGROUP_OF_USER_SYSTEMD : CGROUP_OF_USER_NONE;
}
