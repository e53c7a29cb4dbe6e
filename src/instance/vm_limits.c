/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "instance/flag_value.h"
#include "instance/resource_flags.h"
#include "sys/user_namespace.h"

static const int64_t most_disk = 16LL << 40;
enum { PERIOD = 100000, LEAST_DISK = 32 << 20, DEFAULT_MIB = 256, LEAST_MIB = 96, MIB = 1 << 20 };

int vm_size_read(const struct instance_options *o, uint64_t *ret_cpus, uint64_t *ret_mib, struct error *err)
{
        struct sysinfo host;
        int64_t bytes = 0;
        uint64_t cpus = 0;
        int r = o->memory ? flag_size("memory", o->memory, &bytes, err) : 0;

        if (r == 0 && o->cpus)
                r = resource_flags_cpus(o, &cpus, err);
        if (r < 0)
                return r;
        if (bytes > 0 && bytes / MIB < LEAST_MIB)
                return error_set(err, EINVAL, "--memory \"%s\": a virtual machine needs %d MB", o->memory, LEAST_MIB);
        if (sysinfo(&host) == 0 && bytes > 0 && (uint64_t)bytes / host.mem_unit > host.totalram)
                return error_set(err, EINVAL, "--memory \"%s\": this host has no more than %llu MB", o->memory,
                                 (unsigned long long)host.totalram * host.mem_unit / MIB);
        *ret_cpus = cpus ? (cpus + PERIOD - 1) / PERIOD : 1;
        *ret_mib = bytes > 0 ? (uint64_t)bytes / MIB : DEFAULT_MIB;
        return 0;
}

int vm_disk_size_read(const struct instance_options *o, uint64_t *ret, struct error *err)
{
        static const char size[] = "size=";
        int64_t bytes = 10LL << 30;

        for (const char *const *v = o->storage_opt; v && *v; v++) {
                int r;

                if (strncmp(*v, size, sizeof(size) - 1) != 0)
                        return flag_refuse("storage-opt", *v, "there is but size=BYTES", err);
                r = flag_size("storage-opt", *v + sizeof(size) - 1, &bytes, err);
                if (r == 0 && (bytes < LEAST_DISK || bytes > most_disk))
                        r = flag_refuse("storage-opt", *v, "must be from 32m to 16t", err);
                if (r < 0)
                        return r;
        }
        *ret = (uint64_t)bytes / MIB * MIB;
        return 0;
}

static void ignore(const char *text)
{
}

static int write_limits(struct engine *e, const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int r;

        json_begin_object(w, "limits");
        r = resource_flags_write_cpu(o, w, err);
        if (r == 0)
                r = resource_flags_write_blkio(o, e->warn ? e->warn : ignore, w, err);
        json_end_object(w);
        return r;
}

int vm_limits_write(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err)
{
        char name[INSTANCE_ID_LEN + 16];

        /* As a container's: beside ours where the root of the cgroups is not ours (cgroup.h). */
        snprintf(name, sizeof(name), "%s%s", user_namespace_is_nested() ? "" : "/holt/", i->id);
        json_write_string(w, "cgroup", name);
        return write_limits(e, &i->options, w, err);
}

int vm_change_write(struct engine *e, const struct instance *i, struct json_writer *w, struct error *err)
{
        uint64_t cpus = 0, mib = 0;
        int r = vm_size_read(&i->options, &cpus, &mib, err);

        json_begin_object(w, "machine");
        json_write_u64(w, "cpus", cpus);
        json_write_u64(w, "memory", mib);
        if (r == 0)
                r = write_limits(e, &i->options, w, err);
        json_end_object(w);
        json_begin_object(w, "spec");
        json_begin_object(w, "linux");
        json_begin_object(w, "resources");
        if (r == 0)
                r = resource_flags_write_guest(&i->options, false, e->warn ? e->warn : ignore, w, err);
        json_end_object(w);
        json_end_object(w);
        json_end_object(w);
        return r;
}
