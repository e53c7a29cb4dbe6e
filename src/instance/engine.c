/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/own.h"
#include "sys/fd.h"

int engine_open(const char *root, const char *run, struct engine *ret, struct error *err)
{
        struct engine e = {};
        int r = store_places(root, run, &e.root, &e.run, err);

        if (r < 0)
                return r;
        *ret = e;
        return 0;
}

void engine_close(struct engine *e)
{
        store_close(e->store);
        free(e->root);
        free(e->run);
        *e = (struct engine){};
}

int engine_store(struct engine *e, struct store **ret, struct error *err)
{
        int r = e->store ? 0 : store_open(e->root, e->run, &e->store, err);

        if (r == 0)
                *ret = e->store;
        return r;
}

int engine_own_mounts(struct engine *e, struct error *err)
{
        if (e->has_own_mounts)
                return 0;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return error_errno(err, errno, "make a mount namespace");
        e->has_own_mounts = true;
        return 0;
}

static int open_below(const char *parent, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/instances", parent) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                int r = fd_mkdir_all(path, 0700);

                if (r < 0)
                        return error_errno(err, -r, "make %s", path);
                fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

int engine_open_run(const struct engine *e, struct error *err)
{
        return open_below(e->run, err);
}

int engine_open_instances(const struct engine *e, struct error *err)
{
        return open_below(e->root, err);
}
