/* SPDX-License-Identifier: Apache-2.0 */
/* A process that runs already is put into a unit of systemd's, and where systemd has no hand into cgroups of ours. */
#include "container/cgroup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "container/cgroup/controllers.h"
#include "container/cgroup/create.h"
#include "container/cgroup/delegate.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/path.h"
#include "container/cgroup/payload.h"
#include "container/cgroup/systemd.h"
#include "container/cgroup/unit.h"

/*
 * Which v1 controllers systemd gives a scope depends on its version and the unit's properties, so all get the
 * directory (it may be there) and the process (it may be in it).
 */
static int adopt_by_hand(struct cgroup_hierarchy *h, const struct spec *spec, pid_t pid, struct error *err)
{
        char text[16];
        int r;

        if (strcmp(h->name, "name=systemd") == 0)
                return 0;
        r = create_directory(h, spec);
        snprintf(text, sizeof text, "%d", (int)pid);
        if (r == 0)
                r = hierarchy_write(h, "cgroup.procs", text);
        return r < 0 ? error_errno(err, -r, "put process %d into cgroup %s%s", (int)pid, h->root, h->path) : 0;
}

static int adopt_unified(struct cgroup *cg, const struct spec *spec, pid_t pid, struct error *err)
{
        struct cgroup_hierarchy *h = cgroup_v2(cg);
        int r = h ? hierarchy_open(h) : -ENOENT;

        if (r < 0)
                return error_errno(err, -r, "open the cgroup of systemd unit %s", cg->scope);
        controllers_enable(cg, h, &spec->linux_.resources);
        r = payload_make(cg, h, pid, err);
        return r < 0 ? r : cgroup_delegate(cg, spec, err);
}

int cgroup_adopt(struct cgroup *cg, const struct spec *spec, pid_t pid, struct error *err)
{
        own_dbus struct dbus bus = { .fd = -1 };
        char path[PATH_MAX] = "";
        int r = systemd_connect(cg, &bus, err);

        if (r == 0)
                r = systemd_start_unit(&bus, cg, spec, pid, err);
        if (r == 0)
                r = systemd_unit_cgroup(&bus, cg, path, err);
        if (r < 0)
                return r;
        if (path[0] != '/' || cgroup_path_clean(path, path) < 0 || !path[1])
                return error_set(err, EPROTO, "systemd unit %s has no cgroup", cg->scope);
        r = unit_set_path(cg, path, err);
        if (r < 0 || cg->unified)
                return r < 0 ? r : adopt_unified(cg, spec, pid, err);
        for (size_t i = 0; i < cg->n && r == 0; i++)
                r = adopt_by_hand(&cg->h[i], spec, pid, err);
        return r;
}

int cgroup_attach(const struct cgroup *cg, pid_t pid, struct error *err)
{
        own_dbus struct dbus bus = { .fd = -1 };
        int r = systemd_connect(cg, &bus, err);

        return r == 0 ? systemd_attach(&bus, cg, pid, err) : r;
}
