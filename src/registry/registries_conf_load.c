/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "registry/registries_conf_rules.h"
#include "sys/fd.h"

static const char system_file[] = "/etc/containers/registries.conf";

enum { MAX_FILE = 1 << 20 };

/* 1, or 0 when there is no such file. */
static int add_file(struct registries *r, int dir, const char *file, const char *name, struct error *err)
{
        own_fd int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};
        int e;

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "open %s", name);
        e = fd_read_all(fd, MAX_FILE, &text);
        if (e < 0)
                return error_errno(err, -e, "read %s", name);
        e = registries_add(r, name, buf_str(&text), text.len, err);
        if (e < 0)
                return e;
        buf_addf(&r->files, "%s%s", r->files.len ? ", " : "", name);
        return 1;
}

static int is_conf(const struct dirent *e)
{
        const char *dot = strrchr(e->d_name, '.');

        return dot && dot != e->d_name && strcmp(dot, ".conf") == 0;
}

static void free_entries(struct dirent **entries, int n)
{
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
}

/* All of FILE.d/ *.conf, by their names. */
static int add_directory(struct registries *r, const char *file, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int dir = -1;
        struct dirent **entries = NULL;
        int n, e = 0;

        if (asprintf(&path, "%s.d", file) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "open %s", path);
        n = scandirat(dir, ".", &entries, is_conf, alphasort);
        if (n < 0)
                return error_errno(err, errno, "read %s", path);
        for (int i = 0; i < n && e >= 0; i++) {
                char name[512];

                snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
                e = add_file(r, dir, entries[i]->d_name, name, err);
        }
        free_entries(entries, n);
        return e < 0 ? e : 0;
}

/* The user's own file: malloc'ed, or NULL when there is no place for one. */
static char *user_file(void)
{
        const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
        char *path = NULL;
        int n = -1;

        if (config && *config)
                n = asprintf(&path, "%s/containers/registries.conf", config);
        else if (home && *home)
                n = asprintf(&path, "%s/.config/containers/registries.conf", home);
        return n < 0 ? NULL : path;
}

/* The user's file stands for the system's, but what lies in the directories of both counts. */
static int add_usual(struct registries *r, struct error *err)
{
        own_mem char *user = user_file();
        int e = user ? add_file(r, AT_FDCWD, user, user, err) : 0;

        if (e == 0)
                e = add_file(r, AT_FDCWD, system_file, system_file, err);
        if (e >= 0)
                e = add_directory(r, system_file, err);
        return e < 0 || !user ? e : add_directory(r, user, err);
}

static int add_given(struct registries *r, const char *file, struct error *err)
{
        int e = add_file(r, AT_FDCWD, file, file, err);

        if (e == 0)
                return error_set(err, ENOENT, "$CONTAINERS_REGISTRIES_CONF: there is no %s", file);
        return e < 0 ? e : add_directory(r, file, err);
}

const char *registries_files(const struct registries *r)
{
        return r->files.len ? r->files.data : "no registries.conf";
}

int registries_load(struct registries **ret, struct error *err)
{
        own_registries struct registries *r = registries_new();
        const char *file = getenv("CONTAINERS_REGISTRIES_CONF");
        int e;

        if (!r)
                return error_set(err, ENOMEM, "out of memory");
        e = file && *file ? add_given(r, file, err) : add_usual(r, err);
        if (e < 0)
                return e;
        *ret = r;
        r = NULL;
        return 0;
}
