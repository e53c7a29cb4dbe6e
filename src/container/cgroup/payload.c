/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup/controllers.h"
#include "container/cgroup/hierarchy.h"
#include "sys/fd.h"

void payload_plan(struct cgroup *cg, const struct spec *spec)
{
        cg->split = cg->unified && spec_annotation(spec, SPEC_CGROUP_PAYLOAD);
}

int payload_make(struct cgroup *cg, struct cgroup_hierarchy *h, pid_t pid, struct error *err)
{
        char text[16];
        int r;

        if (!cg->split)
                return 0;
        r = hierarchy_mkdir(h->fd, PAYLOAD_NAME);
        if (r < 0 && r != -EEXIST)
                return error_errno(err, -r, "make cgroup %s%s/" PAYLOAD_NAME, h->root, h->path);
        h->payload_fd = openat(h->fd, PAYLOAD_NAME, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (h->payload_fd < 0)
                return error_errno(err, errno, "open cgroup %s%s/" PAYLOAD_NAME, h->root, h->path);
        snprintf(text, sizeof text, "%d", (int)pid);
        r = pid ? fd_write_file_at(h->payload_fd, "cgroup.procs", text) : 0;
        if (r < 0)
                return error_errno(err, -r, "put process %d into cgroup %s%s/" PAYLOAD_NAME, (int)pid, h->root,
                                   h->path);
        controllers_hand_down(h);
        return 0;
}

void payload_remove(const struct cgroup *cg, const struct cgroup_hierarchy *h)
{
        char path[PATH_MAX];

        if (cg->split && hierarchy_is_v2(h) && hierarchy_path(h, PAYLOAD_NAME, path) == 0)
                (void)rmdir(path);
}

int payload_fd(const struct cgroup_hierarchy *h)
{
        return h->payload_fd >= 0 ? h->payload_fd : h->fd;
}

const char *cgroup_visible_path(const struct cgroup *cg, const struct cgroup_hierarchy *h, char ret[PATH_MAX])
{
        int n;

        if (!h->path || !cg->split)
                return h->path;
        n = snprintf(ret, PATH_MAX, "%s/" PAYLOAD_NAME, h->path);
        return n < 0 || n >= PATH_MAX ? NULL : ret;
}
