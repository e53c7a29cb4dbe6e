/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/system_container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/flag_value.h"

enum { UUID_DIGITS = 32 };

/* As podman has it (libpod: specgen/generate). */
static bool is_init(const char *program)
{
        static const char *const inits[] = { "/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init" };
        const char *name = strrchr(program, '/');

        for (size_t i = 0; i < ARRAY_SIZE(inits); i++) {
                if (strcmp(program, inits[i]) == 0)
                        return true;
        }
        return strcmp(name ? name + 1 : program, "systemd") == 0;
}

int system_container_is(const struct instance_options *o, const char *program, bool *ret, struct error *err)
{
        bool wanted;
        int r;

        if (o->systemd && strcmp(o->systemd, "always") == 0) {
                *ret = true;
                return o->init ? error_set(err, EINVAL,
                                           "--init and --systemd always contradict each other: both want "
                                           "to be the first process")
                               : 0;
        }
        r = flag_bool("systemd", o->systemd && *o->systemd ? o->systemd : NULL, &wanted, NULL);
        if (r < 0)
                return flag_refuse("systemd", o->systemd, "must be true, false or always", err);
        *ret = wanted && !o->init && is_init(program);
        return 0;
}

void system_container_write_env(const char *id, struct json_writer *w)
{
        char uuid[sizeof "container_uuid=" + UUID_DIGITS];

        /* systemd makes its machine-id of it, so that each instance has its own and keeps it. */
        snprintf(uuid, sizeof uuid, "container_uuid=%.*s", UUID_DIGITS, id);
        json_write_string(w, NULL, uuid);
}

/* On v1 systemd wants its own hierarchy to write to, and on a hybrid host the new one; the limits' stay read-only. */
static int add_v1_tree(struct volumes *v, const char *name, const char *cgroup, struct error *err)
{
        own_mem char *at = NULL, *from = NULL;

        if (asprintf(&at, "/sys/fs/cgroup/%s", name) < 0)
                at = NULL;
        if (asprintf(&from, "/sys/fs/cgroup/%s%s", name, cgroup) < 0)
                from = NULL;
        if (!at || !from)
                return error_set(err, ENOMEM, "out of memory");
        if (access(at, F_OK) < 0 || volumes_has(v, at))
                return 0;
        return volumes_add(v, from, at, "bind", "bind,rw,rprivate,nosuid,noexec,nodev", err);
}

static int add_cgroups(struct volumes *v, const char *cgroup, bool in_guest, struct error *err)
{
        int r;

        if (volumes_has(v, "/sys/fs/cgroup"))
                return 0;
        if (in_guest || access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
                return volumes_add(v, "cgroup", "/sys/fs/cgroup", "cgroup", "rw,nosuid,noexec,nodev", err);
        if (!cgroup)
                return 0;
        r = add_v1_tree(v, "systemd", cgroup, err);
        return r == 0 ? add_v1_tree(v, "unified", cgroup, err) : r;
}

int system_container_add_mounts(struct volumes *v, const char *cgroup, bool in_guest, struct error *err)
{
        static const struct {
                const char *path, *options;
        } places[] = {
                { "/run", "nosuid,nodev,mode=755,tmpcopyup" },
                { "/run/lock", "nosuid,nodev,mode=1777,tmpcopyup" },
                { "/tmp", "nosuid,nodev,mode=1777,tmpcopyup" },
                { "/var/log/journal", "nosuid,nodev,mode=755,tmpcopyup" },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
                if (!volumes_has(v, places[i].path))
                        r = volumes_add(v, "tmpfs", places[i].path, "tmpfs", places[i].options, err);
        }
        return r == 0 ? add_cgroups(v, cgroup, in_guest, err) : r;
}
