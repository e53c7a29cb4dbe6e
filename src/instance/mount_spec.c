/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: what was asked for, and what every container has unless that stands in its place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/flag_value.h"
#include "instance/spec_plan.h"
#include "instance/system_container.h"
#include "instance/vm_modules.h"
#include "instance/vm_shares.h"
#include "instance/volume.h"

#define DEVPTS_OPTIONS "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"
#define READ_ONLY ",ro"

/* For --privileged without the READ_ONLY at the end. */
static const struct volume default_mounts[] = {
        { "proc", "/proc", "proc", "nosuid,noexec,nodev" },
        { "tmpfs", "/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
        { "devpts", "/dev/pts", "devpts", DEVPTS_OPTIONS ",gid=5" },
        { "sysfs", "/sys", "sysfs", "nosuid,noexec,nodev" READ_ONLY },
        { "cgroup", "/sys/fs/cgroup", "cgroup", "nosuid,noexec,nodev" READ_ONLY },
        { "mqueue", "/dev/mqueue", "mqueue", "nosuid,noexec,nodev" },
};

/* Of a machine whose devices are all the instance's: those that the guest's kernel makes, also later. */
static const struct volume dev_of_guest = { "devtmpfs", "/dev", "devtmpfs", "nosuid,mode=755" };

/* Where terminals cannot be the group's that has number 5. */
static const struct volume devpts_of_one = { "devpts", "/dev/pts", "devpts", DEVPTS_OPTIONS };

static int add_files(struct volumes *v, const char *dir, struct error *err)
{
        static const char *const names[] = { "resolv.conf", "hostname", "hosts" };
        char to[32];
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
                own_mem char *from = NULL;

                snprintf(to, sizeof to, "/etc/%s", names[i]);
                if (volumes_has(v, to))
                        continue;
                if (asprintf(&from, "%s/%s", dir, names[i]) < 0) {
                        from = NULL;
                        return error_set(err, ENOMEM, "out of memory");
                }
                r = volumes_add(v, from, to, "bind", v->idmapped ? "bind,rprivate,idmap" : "bind,rprivate", err);
        }
        return r;
}

/* The options of a default mount as this instance has it. */
static void choose_options(const struct spec_plan *p, const struct volume *m, char *out, size_t size)
{
        const char *more = strcmp(m->type, "proc") == 0 ? p->security.proc_options : NULL;
        size_t n = strlen(m->options), cut = sizeof READ_ONLY - 1;

        if (p->options->privileged && n > cut && strcmp(m->options + n - cut, READ_ONLY) == 0)
                n -= cut;
        snprintf(out, size, "%.*s%s%s", (int)n, m->options, more ? "," : "", more ? more : "");
}

static int add_default(struct volumes *v, const struct spec_plan *p, const struct volume *m, struct error *err)
{
        char options[512];

        if (volumes_has(v, m->destination))
                return 0;
        if (p->namespaces.ipc == NAMESPACE_HOST && strcmp(m->type, "mqueue") == 0)
                return access("/dev/mqueue", F_OK) < 0 ? 0
                                                       : volumes_add(v, "/dev/mqueue", "/dev/mqueue", "bind",
                                                                     "bind,rprivate,nosuid,noexec,nodev", err);
        choose_options(p, m, options, sizeof options);
        return volumes_add(v, m->source, m->destination, m->type, options, err);
}

static int add_shm(struct volumes *v, const struct spec_plan *p, struct error *err)
{
        const char *shared = p->namespaces.ipc == NAMESPACE_HOST ? "/dev/shm" : p->from->ipc_shm;
        int64_t size = 0;
        char options[96];
        int r = p->options->shm_size ? flag_size("shm-size", p->options->shm_size, &size, err) : 0;

        if (r < 0)
                return r;
        if (size < 0)
                return flag_refuse("shm-size", p->options->shm_size, "cannot be below 0", err);
        if (p->namespaces.ipc == NAMESPACE_NONE || volumes_has(v, "/dev/shm"))
                return 0;
        if (shared)
                return volumes_add(v, shared, "/dev/shm", "bind", "bind,rprivate,nosuid,noexec,nodev", err);
        snprintf(options, sizeof options, "nosuid,noexec,nodev,mode=1777,size=%lld",
                 (long long)(size ? size : 64 << 20));
        return volumes_add(v, "shm", "/dev/shm", "tmpfs", options, err);
}

/* As far as a program may load some itself. */
static int add_modules(struct volumes *v, const struct spec_plan *p, struct error *err)
{
        return p->from->in_guest && p->options->privileged && !volumes_has(v, "/lib/modules")
                       ? volumes_add(v, VM_MODULES, "/lib/modules", "bind", "bind,ro,rprivate,nosuid,nodev", err)
                       : 0;
}

static int add_init(struct volumes *v, const struct spec_plan *p, struct error *err)
{
        const char *init = p->from->in_guest ? VM_INIT : p->from->init;

        if (!p->options->init)
                return 0;
        if (!init)
                return error_set(err, ENOENT, "--init: holt-init is not installed");
        return volumes_add(v, init, SPEC_INIT_PATH, "bind", "bind,ro,rprivate,nosuid,nodev", err);
}

static int add_defaults(struct volumes *v, const struct spec_plan *p, struct error *err)
{
        int r = add_files(v, p->from->files, err);
        /* Whoever brings his own /dev has all of it. */
        bool has_dev = volumes_has(v, "/dev");

        if (r == 0 && p->is_system)
                r = system_container_add_mounts(v, p->cgroup, p->from->in_guest, err);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(default_mounts); i++) {
                const struct volume *m = &default_mounts[i];

                if (has_dev && strncmp(m->destination, "/dev/", 5) == 0)
                        continue;
                if (p->from->one_id && strcmp(m->type, "devpts") == 0)
                        m = &devpts_of_one;
                if (p->from->in_guest && p->options->privileged && strcmp(m->destination, "/dev") == 0)
                        m = &dev_of_guest;
                r = add_default(v, p, m, err);
        }
        if (r == 0 && !has_dev)
                r = add_shm(v, p, err);
        if (r == 0)
                r = add_modules(v, p, err);
        return r == 0 ? add_init(v, p, err) : r;
}

static int add_all(struct volumes *v, const char *const *list,
                   int (*add)(struct volumes *v, const char *text, struct error *err), struct error *err)
{
        int r = 0;

        for (; r == 0 && list && *list; list++)
                r = add(v, *list, err);
        return r;
}

/* podman's. */
static int add_writable(struct volumes *v, const struct spec_plan *p, struct error *err)
{
        static const struct {
                const char *place, *options;
        } places[] = {
                { "/run", "nosuid,nodev,tmpcopyup" },
                { "/tmp", "nosuid,nodev,mode=1777,tmpcopyup" },
                { "/var/tmp", "nosuid,nodev,mode=1777,tmpcopyup" },
        };
        int r = 0;

        if (!p->options->read_only || !p->options->read_only_tmpfs)
                return 0;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
                if (!volumes_has(v, places[i].place))
                        r = volumes_add(v, "tmpfs", places[i].place, "tmpfs", places[i].options, err);
        }
        return r;
}

int mount_spec_write(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        own_volumes struct volumes v = { .makes_nothing = p->from->planned, .idmapped = p->from->user_path };
        int r = p->from->planned ? volumes_add_planned(&v, p->options, p->from->planned, err)
                                 : volumes_add_instance(&v, p->options, p->from->directory, err);

        if (r == 0 && p->from->shares)
                r = vm_shares_open(&v, p->from->shares, err);
        if (r == 0)
                r = add_all(&v, p->options->tmpfs, volumes_add_tmpfs, err);
        if (r == 0)
                r = add_writable(&v, p, err);
        if (r == 0)
                r = add_defaults(&v, p, err);
        if (r < 0)
                return r;
        json_begin_array(w, "mounts");
        volumes_write(&v, w);
        json_end_array(w);
        return 0;
}
