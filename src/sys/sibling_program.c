/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/sibling_program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

int sibling_program_own(char ret[PATH_MAX], struct error *err)
{
        char path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        bool has_place;

        if (n < 0)
                return error_errno(err, errno, "find out where this program is");
        path[n] = '\0';
        /* A protected copy has no place; its first argument says where it came from (programs/sealed_start.h). */
        has_place = strcmp(path, "/") != 0 && strncmp(path, "/memfd:", 7) != 0;
        snprintf(ret, PATH_MAX, "%s", has_place ? path : program_invocation_name);
        if (*ret != '/')
                return error_set(err, ENOENT, "find out where this program is: it runs from a file without a name");
        return 0;
}

int sibling_program_find(const char *name, char ret[PATH_MAX], struct error *err)
{
        static const char *const places[] = { "", "../libexec/holt/" };
        char own[PATH_MAX];
        int r = sibling_program_own(own, err);

        if (r < 0)
                return r;
        strrchr(own, '/')[1] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                if (snprintf(ret, PATH_MAX, "%s%s%s", own, places[i], name) >= PATH_MAX)
                        continue;
                if (access(ret, X_OK) == 0)
                        return 0;
        }
        return error_set(err, ENOENT, "no %s in %s or %s../libexec/holt; it comes with holt, install it there", name,
                         own, own);
}
