/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/path.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int cgroup_path_clean(const char *path, char *ret)
{
        char *out = ret;

        while (*path) {
                size_t len;

                path += strspn(path, "/");
                len = strcspn(path, "/");
                if (len == 2 && path[0] == '.' && path[1] == '.')
                        return -EINVAL;
                if (len && !(len == 1 && path[0] == '.')) {
                        const char *from = path;

                        /* In place the output never overtakes the input: each component keeps its one slash. */
                        path += len;
                        *out++ = '/';
                        memmove(out, from, len);
                        out += len;
                } else {
                        path += len;
                }
        }
        if (out == ret)
                *out++ = '/';
        *out = '\0';
        return 0;
}
