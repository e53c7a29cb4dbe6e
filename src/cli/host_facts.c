/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

static bool has(const char *top, const char *path)
{
        char full[PATH_MAX];

        return snprintf(full, sizeof full, "%s%s", top, path) < (int)sizeof full && access(full, F_OK) == 0;
}

static const char *find_layout(const char *top)
{
        if (has(top, "/sys/fs/cgroup/cgroup.controllers"))
                return "unified";
        if (has(top, "/sys/fs/cgroup/unified/cgroup.controllers"))
                return "hybrid";
        return has(top, "/sys/fs/cgroup/memory") ? "legacy" : "none";
}

static void find_security(const char *top, struct host_facts *h)
{
        const struct {
                bool there;
                const char *name;
        } options[HOST_SECURITY_MAX] = {
                { has(top, "/sys/kernel/security/apparmor"), "name=apparmor" },
                { has(top, "/proc/sys/kernel/seccomp/actions_avail"), "name=seccomp,profile=builtin" },
                { has(top, "/sys/fs/selinux/enforce"), "name=selinux" },
                { geteuid() != 0, "name=rootless" },
                { strcmp(h->cgroup_layout, "unified") == 0, "name=cgroupns" },
        };

        for (size_t i = 0; i < HOST_SECURITY_MAX; i++)
                if (options[i].there)
                        h->security[h->n_security++] = options[i].name;
}

/* PRETTY_NAME of os-release(5). */
static char *find_name(const char *top)
{
        char path[PATH_MAX], text[4096], *at, *value;

        if (snprintf(path, sizeof path, "%s/etc/os-release", top) >= (int)sizeof path ||
            fd_read_file_at(AT_FDCWD, path, text, sizeof text) <= 0)
                return strdup("Linux");
        for (at = text; at && strncmp(at, "PRETTY_NAME=", 12) != 0; at = strchr(at, '\n'))
                at += *at == '\n';
        if (!at)
                return strdup("Linux");
        value = at + 12 + (at[12] == '"');
        value[strcspn(value, "\"\n")] = '\0';
        return strdup(value);
}

int host_facts_read(const char *top, struct host_facts *ret, struct error *err)
{
        struct host_facts h = { .cgroup_layout = find_layout(top) };
        char *name;

        find_security(top, &h);
        name = find_name(top);
        if (!name)
                return error_set(err, ENOMEM, "out of memory");
        *ret = h;
        ret->operating_system = name;
        return 0;
}

void host_facts_finish(struct host_facts *h)
{
        free(h->operating_system);
        *h = (struct host_facts){};
}
