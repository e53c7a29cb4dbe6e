/* SPDX-License-Identifier: Apache-2.0 */
/* What QEMU may take of the host: the machine's memory and what QEMU needs beside it, and what was asked for. */
#include <errno.h>

#include "base/own.h"
#include "instance/vm_cgroup.h"
#include "monitor/monitor.h"
#include "oci/runtime_spec.h"
#include "vm/machine_limits.h"

static void write_resources(const struct monitor *m, struct buf *out)
{
        const struct monitor_job *j = &m->job;
        struct json_writer w = { .out = out };
        uint32_t mib = m->memory_allowed + machine_overhead_mib(m->accelerator, j->memory_mib);

        json_begin_object(&w, NULL);
        for (size_t i = 0; j->limits && i < json_member_count(j->limits); i++) {
                struct json_object *v = json_member_at(j->limits, i);

                json_write_value(&w, json_key(v), v);
        }
        json_begin_object(&w, "memory");
        json_write_u64(&w, "limit", (uint64_t)mib << 20);
        json_end_object(&w);
        json_begin_object(&w, "pids");
        /* Its guard, and who serves its shares. */
        json_write_u64(&w, "limit", machine_threads(j->cpus) + 1 + (j->n_shares > 0));
        json_end_object(&w);
        json_end_object(&w);
}

int monitor_make_cgroup(struct monitor *m, struct error *err)
{
        /* A template's QEMU goes before the instance's own. */
        if (!m->job.cgroup || m->cgroup.n)
                return 0;
        return vm_cgroup_make(MONITOR_PLACE, m->job.cgroup, &m->cgroup, err);
}

/* No rules for devices: it could open none anyway (qemu_sandbox.c). */
int monitor_limit_qemu(struct monitor *m, struct error *err)
{
        own_spec struct spec spec = {};
        own_buf struct buf text = {};
        int r;

        if (!m->cgroup.n)
                return 0;
        write_resources(m, &text);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = spec_parse_resources(text.data, text.len, &spec, err);
        if (r == 0)
                r = cgroup_apply(&m->cgroup, &spec.linux_.resources, true, err);
        return r < 0 ? error_wrap(err, "limit the machine") : 0;
}
