/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_limits.h"

#include <stdio.h>

#include "instance/resource_flags.h"
#include "sys/user_namespace.h"

static void ignore(const char *text)
{
}

int vm_limits_write(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err)
{
        char name[INSTANCE_ID_LEN + 16];
        int r;

        /* As a container's: beside ours where the root of the cgroups is not ours (cgroup.h). */
        snprintf(name, sizeof(name), "%s%s", user_namespace_is_nested() ? "" : "/holt/", i->id);
        json_write_string(w, "cgroup", name);
        json_begin_object(w, "limits");
        r = resource_flags_write_cpu(&i->options, w, err);
        if (r == 0)
                r = resource_flags_write_blkio(&i->options, e->warn ? e->warn : ignore, w, err);
        json_end_object(w);
        return r;
}
