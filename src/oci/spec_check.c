/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a document asks for must fit together: a member that needs a namespace would
 * otherwise change the host, or be dropped in silence.
 */
#include "oci/spec_parse.h"

#include <errno.h>
#include <sched.h>

static int namespaces_check(const struct spec *s, struct error *err)
{
        const struct spec_linux *l = &s->linux_;
        const struct {
                bool wanted;
                int type;
                const char *member, *name;
        } needs[] = {
                { s->hostname, CLONE_NEWUTS, "hostname", "uts" },
                { s->domainname, CLONE_NEWUTS, "domainname", "uts" },
                { l->masked_paths.n, CLONE_NEWNS, "linux.maskedPaths", "mount" },
                { l->readonly_paths.n, CLONE_NEWNS, "linux.readonlyPaths", "mount" },
                { l->uid_mappings.n, CLONE_NEWUSER, "linux.uidMappings", "user" },
                { l->gid_mappings.n, CLONE_NEWUSER, "linux.gidMappings", "user" },
                { l->monotonic.set || l->boottime.set, CLONE_NEWTIME, "linux.timeOffsets", "time" },
                { l->n_net_devices, CLONE_NEWNET, "linux.netDevices", "network" },
        };

        for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
                if (needs[i].wanted && !spec_namespace(s, needs[i].type))
                        return error_set(err, EINVAL, "%s: needs a %s namespace", needs[i].member, needs[i].name);
        }
        return 0;
}

static int user_namespace_check(const struct spec *s, struct error *err)
{
        const struct spec_namespace *user = spec_namespace(s, CLONE_NEWUSER);
        const struct spec_linux *l = &s->linux_;

        if (!user)
                return 0;
        /* One that is joined has mappings of its own; containerd repeats them for the containers of a pod. */
        if (!user->path && (!l->uid_mappings.n || !l->gid_mappings.n))
                return error_set(err, EINVAL, "linux.%s: a new user namespace needs them",
                                 l->uid_mappings.n ? "gidMappings" : "uidMappings");
        return 0;
}

static int time_namespace_check(const struct spec *s, struct error *err)
{
        const struct spec_namespace *time = spec_namespace(s, CLONE_NEWTIME);

        if (time && time->path && (s->linux_.monotonic.set || s->linux_.boottime.set))
                return error_set(err, EINVAL, "linux.timeOffsets: a time namespace that is joined has its own");
        return 0;
}

static int mounts_check(const struct spec *s, struct error *err)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                const struct spec_mount *m = &s->mounts[i];

                if (m->idmap && !m->uid_mappings.n && !spec_namespace(s, CLONE_NEWUSER))
                        return error_set(err, EINVAL, "mounts[%zu].options: idmap needs mappings or a user namespace",
                                         i);
        }
        return 0;
}

static int support_check(const struct spec *s, struct error *err)
{
        if (s->linux_.has_intel_rdt)
                return error_set(err, EOPNOTSUPP, "linux.intelRdt: not supported");
        if (s->linux_.has_memory_policy)
                return error_set(err, EOPNOTSUPP, "linux.memoryPolicy: not supported");
        return 0;
}

int spec_check(const struct spec *s, struct error *err)
{
        if (namespaces_check(s, err) < 0 || user_namespace_check(s, err) < 0 || time_namespace_check(s, err) < 0 ||
            mounts_check(s, err) < 0)
                return -err->code;
        return support_check(s, err);
}
