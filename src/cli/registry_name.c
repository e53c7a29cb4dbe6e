/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/registry_name.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DOCKER "docker.io"

int registry_name(const char *text, char ret[REGISTRY_NAME_MAX], struct error *err)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
        const char *name = text ? text : DOCKER;
        size_t len;

        for (const char *const *scheme = (const char *const[]){ "https://", "http://", NULL }; *scheme; scheme++)
                if (strncmp(name, *scheme, strlen(*scheme)) == 0)
                        name += strlen(*scheme);
        /* The rest is a path: Docker keeps its own under https://index.docker.io/v1/. */
        len = strcspn(name, "/");
        if (!len || len >= REGISTRY_NAME_MAX || strspn(name, allowed) != len)
                return error_set(err, EINVAL, "\"%s\" is no registry", text);
        memcpy(ret, name, len);
        ret[len] = '\0';
        if (strcmp(ret, "index.docker.io") == 0 || strcmp(ret, "registry-1.docker.io") == 0)
                snprintf(ret, REGISTRY_NAME_MAX, "%s", DOCKER);
        return 0;
}
