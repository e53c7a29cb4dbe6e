/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/guest.h"
#include "container/cgroup.h"

/*
 * As for a container, and only what stands above it is left. What is not done here is done by the first one: it may
 * run already, or have just ended, so that its own cgroup is not to be touched.
 */
void guest_prepare_cgroups(void)
{
        const struct spec spec = { .linux_.cgroups_path = GUEST_FIRST_CGROUP };
        struct cgroup cg = {};
        struct error ignored;

        if (cgroup_plan(&cg, &spec, GUEST_CONTAINER, false, &ignored) == 0) {
                cgroup_create(&cg, &spec, &ignored);
                cgroup_destroy(&cg, &ignored);
        }
        cgroup_finish(&cg);
}
