/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/resource_flags.h"

#include <stdint.h>
#include <unistd.h>

#include "instance/flag_value.h"

bool resource_is_unified(void)
{
        return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

static int write_pids(const struct instance_options *o, bool defaults, struct json_writer *w, struct error *err)
{
        int64_t limit = RESOURCE_PIDS_LIMIT;

        if (o->pids_limit) {
                int r = flag_i64("pids-limit", o->pids_limit, -1, INT64_MAX, &limit, err);

                if (r < 0)
                        return r;
        } else if (!defaults) {
                return 0;
        }
        json_begin_object(w, "pids");
        json_write_i64(w, "limit", limit > 0 ? limit : -1);
        json_end_object(w);
        return 0;
}

int resource_flags_write(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                         struct json_writer *w, struct error *err)
{
        int r = resource_flags_write_memory(o, defaults, warn, w, err);

        if (r == 0)
                r = resource_flags_write_cpu(o, w, err);
        if (r == 0)
                r = write_pids(o, defaults, w, err);
        return r == 0 ? resource_flags_write_blkio(o, warn, w, err) : r;
}

int resource_flags_write_guest(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                               struct json_writer *w, struct error *err)
{
        struct instance_options kept = *o;
        int r = resource_flags_write_memory(o, defaults, warn, w, err);

        kept.cpuset_cpus = kept.cpuset_mems = NULL;
        if (r == 0)
                r = resource_flags_write_cpu(&kept, w, err);
        return r == 0 ? write_pids(o, defaults, w, err) : r;
}
