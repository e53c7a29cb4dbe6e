/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

/* Cleans an absolute path in place. */
static void clean(char *path)
{
        char *out = path;
        const char *in = path;

        while (*in) {
                size_t len;

                in += strspn(in, "/");
                len = strcspn(in, "/");
                if (len == 2 && in[0] == '.' && in[1] == '.') {
                        while (out > path && *--out != '/')
                                ;
                } else if (len && !(len == 1 && *in == '.')) {
                        *out++ = '/';
                        memmove(out, in, len);
                        out += len;
                }
                in += len;
        }
        if (out == path)
                *out++ = '/';
        *out = '\0';
}

int path_absolute(const char *path, char **ret)
{
        own_mem char *cwd = NULL, *joined = NULL;

        if (*path == '/') {
                joined = strdup(path);
        } else {
                cwd = getcwd(NULL, 0);
                if (!cwd)
                        return -errno;
                if (asprintf(&joined, "%s/%s", cwd, path) < 0)
                        joined = NULL;
        }
        if (!joined)
                return -ENOMEM;
        clean(joined);
        *ret = take_ptr(joined);
        return 0;
}
