/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/systemd.h"

#include <errno.h>

int systemd_set_properties(struct cgroup *cg, const struct spec_resources *res, bool update, struct error *err)
{
        return error_set(err, EOPNOTSUPP, "systemd cgroups are not supported");
}

int systemd_stop(struct cgroup *cg, struct error *err)
{
        return error_set(err, EOPNOTSUPP, "systemd cgroups are not supported");
}

int cgroup_adopt(struct cgroup *cg, const struct spec *spec, pid_t pid, struct error *err)
{
        return error_set(err, EOPNOTSUPP, "systemd cgroups are not supported");
}
