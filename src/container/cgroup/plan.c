/* SPDX-License-Identifier: Apache-2.0 */
/* Names: where the container's cgroups will be. Nothing is made here. */
#include "container/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup/hierarchy.h"
#include "container/cgroup/layout.h"
#include "container/cgroup/path.h"
#include "container/cgroup/payload.h"
#include "container/cgroup/systemd.h"
#include "container/cgroup/unit.h"
#include "sys/user_namespace.h"

/* v1: below our own cgroup. v2: beside it, because a cgroup with processes may give its children no controllers. */
static int place(struct cgroup *cg, struct cgroup_hierarchy *h, const char *wanted, struct error *err)
{
        size_t parent = strlen(h->path);
        char path[PATH_MAX];
        int r;

        if (wanted[0] == '/')
                parent = 0;
        else if (cg->unified)
                parent = (size_t)(strrchr(h->path, '/') - h->path);
        r = snprintf(path, sizeof path, "%.*s/%s", (int)parent, h->path, wanted);
        if (r < 0 || (size_t)r >= sizeof path)
                return error_set(err, ENAMETOOLONG, "cgroupsPath is too long");
        r = cgroup_path_clean(path, path);
        if (r < 0)
                return error_set(err, -r, "cgroupsPath \"%s\" may not have \"..\" in it", wanted);
        if (path[1] == '\0')
                return error_set(err, EINVAL, "cgroupsPath \"%s\" is the root of the cgroups", wanted);
        if (strlen(h->root) + strlen(path) + CGROUP_FILE_MAX >= PATH_MAX)
                return error_set(err, ENAMETOOLONG, "cgroupsPath is too long");
        h->path = arena_strdup(&cg->arena, path);
        return h->path ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int plan_cgroupfs(struct cgroup *cg, const char *wanted, const char *id, struct error *err)
{
        for (size_t i = 0; i < cg->n; i++) {
                int r = place(cg, &cg->h[i], wanted && *wanted ? wanted : id, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

int cgroup_plan(struct cgroup *ret, const struct spec *spec, const char *id, bool systemd, struct error *err)
{
        struct cgroup cg = { .systemd = systemd };
        int r;

        /* Root of a user namespace may have a systemd of his own (a system container), or not (a rootless user). */
        cg.rootless = geteuid() != 0 || (user_namespace_is_nested() && !(systemd && systemd_is_reachable()));
        r = layout_find(&cg, err);
        if (r == 0 && cg.n == 0 && !cg.rootless)
                r = error_set(err, ENOENT, "no cgroup filesystem is mounted below /sys/fs/cgroup");
        if (r == 0 && systemd && cg.rootless && !cg.unified)
                r = error_set(err, EOPNOTSUPP, "systemd cgroups without root need cgroup v2");
        if (r == 0 && systemd)
                r = unit_plan(&cg, spec->linux_.cgroups_path, id, err);
        if (r == 0 && !systemd)
                r = plan_cgroupfs(&cg, spec->linux_.cgroups_path, id, err);
        if (r < 0) {
                cgroup_finish(&cg);
                return r;
        }
        payload_plan(&cg, spec);
        *ret = cg;
        return 0;
}

void cgroup_finish(struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++) {
                if (cg->h[i].fd >= 0)
                        close(cg->h[i].fd);
                if (cg->h[i].tasks_fd >= 0)
                        close(cg->h[i].tasks_fd);
                if (cg->h[i].payload_fd >= 0)
                        close(cg->h[i].payload_fd);
        }
        arena_finish(&cg->arena);
        *cg = (struct cgroup){};
}
