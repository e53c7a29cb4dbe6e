/* SPDX-License-Identifier: Apache-2.0 */
#include "container/check.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "container/identity.h"
#include "container/sysctl.h"

static int check_process(const struct spec *s, struct error *err)
{
        if (!s->process)
                return error_set(err, EINVAL, "the configuration has no process");
        if (!s->process->args.n)
                return error_set(err, EINVAL, "process.args is empty: there is nothing to run");
        if (!s->root_path)
                return error_set(err, EINVAL, "the configuration has no root.path");
        return 0;
}

static int check_user_namespace(const struct spec *s, struct error *err)
{
        const struct spec_namespace *user = spec_namespace(s, CLONE_NEWUSER);
        const struct spec_linux *l = &s->linux_;

        if (!user && (l->uid_mappings.n || l->gid_mappings.n))
                return error_set(err, EINVAL, "linux.uidMappings or gidMappings without a user namespace");
        if (user && !user->path && (!l->uid_mappings.n || !l->gid_mappings.n))
                return error_set(err, EINVAL, "a new user namespace needs linux.uidMappings and linux.gidMappings");
        if (!user && geteuid() != 0)
                return error_set(err, EPERM, "an ordinary user needs a user namespace in the configuration");
        return 0;
}

static int check_namespaces(const struct spec *s, struct error *err)
{
        const struct spec_linux *l = &s->linux_;
        const struct spec_namespace *time = spec_namespace(s, CLONE_NEWTIME);

        if ((s->hostname || s->domainname) && !spec_namespace(s, CLONE_NEWUTS))
                return error_set(err, EINVAL, "hostname or domainname without a uts namespace");
        if ((l->monotonic.set || l->boottime.set) && (!time || time->path))
                return error_set(err, EINVAL, "linux.timeOffsets without a new time namespace");
        if (!spec_namespace(s, CLONE_NEWNS) &&
            (s->n_mounts || l->masked_paths.n || l->readonly_paths.n || s->root_readonly || l->n_devices))
                return error_set(
                        err, EINVAL,
                        "mounts, devices, masked or read-only paths and a read-only root need a mount namespace");
        return check_user_namespace(s, err);
}

static int check_mounts(const struct spec *s, struct error *err)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                const struct spec_mount *m = &s->mounts[i];

                if (!m->idmap)
                        continue;
                if (!m->bind && !m->bind_recursive)
                        return error_set(err, EINVAL, "mounts[%zu]: only bind mounts can be idmapped", i);
                if (!m->uid_mappings.n != !m->gid_mappings.n)
                        return error_set(err, EINVAL, "mounts[%zu]: uidMappings and gidMappings belong together", i);
                if (!m->uid_mappings.n && !spec_namespace(s, CLONE_NEWUSER))
                        return error_set(err, EINVAL, "mounts[%zu]: idmap without any mappings", i);
        }
        return 0;
}

static int check_host(const struct spec *s, struct error *err)
{
        if (s->linux_.has_intel_rdt)
                return error_set(err, ENOTSUP, "linux.intelRdt: this runtime does not manage resctrl");
        if (s->linux_.has_memory_policy)
                return error_set(err, ENOTSUP, "linux.memoryPolicy: this runtime does not set NUMA policies");
        if (s->linux_.n_net_devices)
                return error_set(err, ENOTSUP, "linux.netDevices: this runtime does not move network devices");
        return identity_check_labels(s->process, s->linux_.mount_label, err);
}

int check_spec(const struct spec *s, struct error *err)
{
        int r = check_process(s, err);

        if (r == 0)
                r = check_namespaces(s, err);
        if (r == 0)
                r = check_mounts(s, err);
        if (r == 0)
                r = sysctl_check(s, err);
        return r == 0 ? check_host(s, err) : r;
}
