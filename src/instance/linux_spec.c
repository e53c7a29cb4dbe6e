/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel shall keep apart, limit and forbid. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/own.h"
#include "instance/flag_value.h"
#include "instance/resource_flags.h"
#include "instance/seccomp_default.h"
#include "instance/seccomp_profile.h"
#include "instance/spec_plan.h"
#include "instance/vm_sysctl.h"

enum { MAX_KEY = 256 };

static void write_namespace(struct json_writer *w, const char *type, const char *path)
{
        json_begin_object(w, NULL);
        json_write_string(w, "type", type);
        if (path)
                json_write_string(w, "path", path);
        json_end_object(w);
}

static int check_instance(const char *flag, const char *value, enum namespace_mode mode, const char *path,
                          struct error *err)
{
        return mode == NAMESPACE_INSTANCE && !path ? flag_refuse(flag, value, "it does not run", err) : 0;
}

static int write_namespaces(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        const struct namespace_modes *m = &p->namespaces;
        const struct image_spec *s = p->from;
        int r = check_instance("pid", p->options->pid, m->pid, s->pid_path, err);

        if (r == 0)
                r = check_instance("ipc", p->options->ipc, m->ipc, s->ipc_path, err);
        if (r < 0)
                return r;
        json_begin_array(w, "namespaces");
        if (s->user_path)
                write_namespace(w, "user", s->user_path);
        write_namespace(w, "mount", NULL);
        if (m->uts != NAMESPACE_HOST)
                write_namespace(w, "uts", NULL);
        if (m->pid != NAMESPACE_HOST)
                write_namespace(w, "pid", m->pid == NAMESPACE_INSTANCE ? s->pid_path : NULL);
        if (m->ipc != NAMESPACE_HOST)
                write_namespace(w, "ipc", m->ipc == NAMESPACE_INSTANCE ? s->ipc_path : NULL);
        if (!s->host_network)
                write_namespace(w, "network", s->netns_path);
        if (m->cgroup != NAMESPACE_HOST)
                write_namespace(w, "cgroup", NULL);
        json_end_array(w);
        return 0;
}

static bool is_given(const struct instance_options *o, const char *key)
{
        size_t n = strlen(key);

        for (const char *const *l = o->sysctl; l && *l; l++) {
                if (strncmp(*l, key, n) == 0 && (*l)[n] == '=')
                        return true;
        }
        return false;
}

/* As Docker has it since 20.10: ports below 1024 and ping are for all users of a network that is the container's own.
 */
static void write_default_sysctl(const struct spec_plan *p, struct json_writer *w)
{
        static const char port[] = "net.ipv4.ip_unprivileged_port_start", ping[] = "net.ipv4.ping_group_range";

        if (p->from->host_network)
                return;
        if (!is_given(p->options, port))
                json_write_string(w, port, "0");
        /* A user namespace has not all groups. */
        if (!p->from->own_cgroup && !p->from->user_path && !is_given(p->options, ping))
                json_write_string(w, ping, "0 2147483647");
}

/* Which of them there are, and whether they are this container's own, the runtime checks. In a guest the agent sets others. */
static int write_sysctl(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        const char *value;
        char key[MAX_KEY];
        int r = 0;

        json_begin_object(w, "sysctl");
        write_default_sysctl(p, w);
        for (const char *const *l = p->options->sysctl; r == 0 && l && *l; l++) {
                r = flag_pair("sysctl", *l, key, sizeof key, &value, err);
                if (r == 0 && !(p->from->in_guest && vm_sysctl_is_guests(key)))
                        json_write_string(w, key, value);
        }
        json_end_object(w);
        return r;
}

static int write_seccomp(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        int r = 0;

        if (p->security.no_seccomp)
                return 0;
        json_begin_object(w, "seccomp");
        if (p->security.seccomp)
                r = seccomp_profile_write(p->security.seccomp, p->capabilities, w, err);
        else
                seccomp_default_write(p->capabilities, w);
        json_end_object(w);
        return r;
}

/* They are checked all the same. */
static int warn_of_limits(const struct spec_plan *p, struct error *err)
{
        const struct instance_options nothing = {};
        own_buf struct buf none = {}, asked = {};
        struct json_writer empty = { .out = &none }, w = { .out = &asked };
        int r;

        r = resource_flags_write(&nothing, false, p->from->warn, &empty, err);
        if (r == 0)
                r = resource_flags_write(p->options, false, p->from->warn, &w, err);
        if (r == 0 && p->from->warn && asked.len > none.len)
                p->from->warn("limits do not hold: no cgroup is yours; a systemd of your own on a host with cgroup v2 "
                              "would give you one (holt doctor)");
        return r;
}

/* Limits that nobody asked for are no reason to refuse a user whom the host gave no cgroup. */
static int write_resources(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        int r;

        json_begin_object(w, "resources");
        r = device_flags_write_rules(p->options, &p->devices, w, err);
        if (r == 0 && p->from->no_limits)
                r = warn_of_limits(p, err);
        else if (r == 0 && p->from->is_guest)
                r = resource_flags_write_guest(p->options, true, p->from->warn, w, err);
        else if (r == 0)
                r = resource_flags_write(p->options, !p->from->own_cgroup, p->from->warn, w, err);
        json_end_object(w);
        return r;
}

int linux_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        int r;

        json_begin_object(w, "linux");
        if (p->cgroup)
                json_write_string(w, "cgroupsPath", p->cgroup);
        if (p->from->selinux && *p->from->selinux->mount)
                json_write_string(w, "mountLabel", p->from->selinux->mount);
        r = write_namespaces(p, w, err);
        security_flags_write_paths(p->options, &p->security, w);
        if (r == 0)
                r = write_sysctl(p, w, err);
        device_flags_write(&p->devices, w);
        if (r == 0)
                r = write_resources(p, w, err);
        if (r == 0)
                r = write_seccomp(p, w, err);
        json_end_object(w);
        return r;
}
