/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "registry/auth_document.h"
#include "sys/fd.h"

void auth_places_finish(struct auth_places *p)
{
        for (size_t i = 0; i < ARRAY_SIZE(p->path); i++)
                free(p->path[i]);
        *p = (struct auth_places){};
}

/* The variable's value, NULL when it is not set or empty. */
static const char *variable(const char *name)
{
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

/* DIRECTORY/NAME with the directory from a variable, or else below the home directory. 0, also when there is neither.
 */
static int place(const char *directory, const char *home, const char *below_home, const char *name, char **ret)
{
        int n = 0;

        if (directory)
                n = asprintf(ret, "%s/%s", directory, name);
        else if (home && below_home)
                n = asprintf(ret, "%s/%s/%s", home, below_home, name);
        if (n < 0)
                *ret = NULL;
        return n < 0 ? -ENOMEM : 0;
}

/* podman keeps them in /run/containers/0 when there is no session. */
static int runtime_place(char **ret)
{
        const char *runtime = variable("XDG_RUNTIME_DIR");
        char directory[64];

        snprintf(directory, sizeof directory, "/run/containers/%u", (unsigned)geteuid());
        return runtime ? place(runtime, NULL, NULL, "containers/auth.json", ret)
                       : place(directory, NULL, NULL, "auth.json", ret);
}

/* The file that was named, or the usual ones. */
static int fill_places(const char *file, struct auth_places *p)
{
        const char *home = variable("HOME");
        int r;

        if (file) {
                p->path[0] = strdup(file);
                return p->path[0] ? 0 : -ENOMEM;
        }
        r = runtime_place(&p->path[0]);
        if (r == 0)
                r = place(variable("XDG_CONFIG_HOME"), home, ".config", "containers/auth.json", &p->path[1]);
        if (r == 0)
                r = place(variable("DOCKER_CONFIG"), home, ".docker", "config.json", &p->path[2]);
        return r;
}

int auth_places_find(const char *file, struct auth_places *ret, struct error *err)
{
        struct auth_places p = {};

        if (fill_places(file ? file : variable("REGISTRY_AUTH_FILE"), &p) < 0) {
                auth_places_finish(&p);
                return error_set(err, ENOMEM, "find credentials: out of memory");
        }
        *ret = p;
        return 0;
}

int auth_file_read(const char *path, struct json_object **ret, struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};
        int r;

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "open %s", path);
        r = fd_read_all(fd, AUTH_FILE_MAX, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        /* podman makes an empty file for a login. */
        if (strspn(buf_str(&text), " \t\r\n") == text.len)
                return 0;
        r = auth_document_parse(buf_str(&text), text.len, ret, err);
        if (text.data)
                explicit_bzero(text.data, text.len);
        return r < 0 ? error_wrap(err, "%s", path) : 1;
}
