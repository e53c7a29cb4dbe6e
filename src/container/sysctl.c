/* SPDX-License-Identifier: Apache-2.0 */
#include "container/sysctl.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "container/launch.h"

/* ipc_namespaces(7), uts_namespaces(7), network_namespaces(7). */
static const struct {
        const char *prefix;
        int namespace;
        bool whole; /* the prefix is the whole key */
} keys[] = {
        { "kernel.msgmax", CLONE_NEWIPC, true },     { "kernel.msgmnb", CLONE_NEWIPC, true },
        { "kernel.msgmni", CLONE_NEWIPC, true },     { "kernel.sem", CLONE_NEWIPC, true },
        { "kernel.shmall", CLONE_NEWIPC, true },     { "kernel.shmmax", CLONE_NEWIPC, true },
        { "kernel.shmmni", CLONE_NEWIPC, true },     { "kernel.shm_rmid_forced", CLONE_NEWIPC, true },
        { "fs.mqueue.", CLONE_NEWIPC, false },       { "net.", CLONE_NEWNET, false },
        { "kernel.domainname", CLONE_NEWUTS, true }, { "kernel.hostname", CLONE_NEWUTS, true },
};

/* sysctl(8): the first separator decides; with '/' first, dots are parts of names ("net/ipv4/conf/eth0.1/forwarding").
 */
int sysctl_path(const char *key, char *ret, size_t size)
{
        const char *first = strpbrk(key, "./");
        bool swap = first && *first == '.';
        int n = snprintf(ret, size, "%s", key);

        if (n < 0 || (size_t)n >= size)
                return -ENAMETOOLONG;
        for (char *p = ret; swap && *p; p++) {
                if (*p == '.')
                        *p = '/';
                else if (*p == '/')
                        *p = '.';
        }
        return strstr(ret, "..") ? -EINVAL : 0;
}

static bool matches(const char *path, size_t i)
{
        char want[64];

        sysctl_path(keys[i].prefix, want, sizeof want);
        return keys[i].whole ? strcmp(path, want) == 0 : strncmp(path, want, strlen(want)) == 0;
}

int sysctl_namespace(const char *key)
{
        char path[PATH_MAX];

        if (sysctl_path(key, path, sizeof path) < 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (matches(path, i))
                        return keys[i].namespace;
        }
        return 0;
}

static int check_key(const struct spec *s, const char *key, struct error *err)
{
        char path[PATH_MAX];
        int namespace = sysctl_namespace(key);

        if (sysctl_path(key, path, sizeof path) < 0)
                return error_set(err, EINVAL, "sysctl \"%s\": not a valid name", key);
        if (!namespace || !spec_namespace(s, namespace))
                return error_set(err, EINVAL, "sysctl \"%s\" is not in a separate kernel namespace", key);
        if (s->hostname && namespace == CLONE_NEWUTS && strstr(path, "hostname"))
                return error_set(err, EINVAL, "sysctl \"%s\": the hostname is set by the config's hostname", key);
        return 0;
}

int sysctl_check(const struct spec *s, struct error *err)
{
        for (size_t i = 0; i < s->linux_.sysctl.n; i++) {
                int r = check_key(s, s->linux_.sysctl.v[i].key, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

int sysctl_apply(const struct spec *s, struct error *err)
{
        own_fd int proc = -1;
        char path[PATH_MAX] = "sys/";
        int r = 0;

        if (!s->linux_.sysctl.n)
                return 0;
        proc = private_proc_open(err);
        if (proc < 0)
                return proc;
        for (size_t i = 0; r == 0 && i < s->linux_.sysctl.n; i++) {
                sysctl_path(s->linux_.sysctl.v[i].key, path + 4, sizeof path - 4);
                r = private_proc_write(proc, path, s->linux_.sysctl.v[i].value, err);
        }
        return r;
}
