/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/image_spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/own.h"
#include "instance/resource_flags.h"
#include "instance/seccomp_profile.h"
#include "instance/volume.h"
#include "oci/runtime_spec.h"

/* ---- process ---- */

static void write_strings(struct json_writer *w, const char *const *v)
{
        for (; v && *v; v++)
                json_write_string(w, NULL, *v);
}

/* Another entry point than the image's takes the image's arguments with it. */
static int write_args(const struct image_spec *s, struct json_writer *w, struct error *err)
{
        const struct instance_options *o = s->options;
        const char *const own[] = { o->entrypoint, NULL };
        const char *const *entry = s->image->entrypoint.v, *const *args = s->image->cmd.v;

        if (o->entrypoint) {
                entry = *o->entrypoint ? own : NULL;
                args = NULL;
        }
        if (o->command && o->command[0])
                args = o->command;
        if (!(entry && *entry) && !(args && *args))
                return error_set(err, EINVAL, "no command: the image has none, and none was given");
        json_begin_array(w, "args");
        write_strings(w, entry);
        write_strings(w, args);
        json_end_array(w);
        return 0;
}

/* Of several with one name the last counts (container/environment.h); HOME comes from the image's /etc/passwd. */
static int write_env(const struct image_spec *s, struct json_writer *w, struct error *err)
{
        const struct instance_options *o = s->options;
        own_mem char *hostname = NULL;

        if (asprintf(&hostname, "HOSTNAME=%s", s->hostname) < 0)
                return error_set(err, ENOMEM, "out of memory");
        json_begin_array(w, "env");
        json_write_string(w, NULL, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        json_write_string(w, NULL, hostname);
        if (o->tty)
                json_write_string(w, NULL, "TERM=xterm");
        write_strings(w, s->image->env.v);
        write_strings(w, o->env);
        json_end_array(w);
        return 0;
}

static void write_user(const struct image_spec *s, struct json_writer *w)
{
        const struct image_user *u = s->user;

        json_begin_object(w, "user");
        json_write_u64(w, "uid", u->uid);
        json_write_u64(w, "gid", u->gid);
        json_begin_array(w, "additionalGids");
        for (size_t i = 0; !s->one_id && i < u->n_groups; i++)
                json_write_u64(w, NULL, u->groups[i]);
        json_end_array(w);
        json_end_object(w);
}

/* Docker's (moby: oci/caps/defaults.go). */
static const char *const default_capabilities[] = {
        "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
        "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL",    "CAP_AUDIT_WRITE",
};

/* "net_admin", "CAP_NET_ADMIN" or "all". */
static int capability_bits(const char *name, uint64_t *ret, struct error *err)
{
        char full[40] = "CAP_";
        size_t at = strncasecmp(name, "CAP_", 4) == 0 ? 0 : 4, i;
        uint64_t bit;

        *ret = 0;
        if (strcasecmp(name, "all") == 0) {
                for (const struct name_value *c = oci_capabilities; c->name; c++)
                        *ret |= 1ULL << c->value;
                return 0;
        }
        for (i = 0; name[i] && at + i + 1 < sizeof full; i++)
                full[at + i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 0x20 : name[i]);
        full[at + i] = '\0';
        if (!name_value_find(oci_capabilities, full, &bit))
                return error_set(err, EINVAL, "there is no capability %s", name);
        *ret = 1ULL << bit;
        return 0;
}

/* "all" first, so that it can be dropped but for those that are added, and the other way round. */
static int change_capabilities(const char *const *names, bool all, bool add, uint64_t *caps, struct error *err)
{
        uint64_t bits;

        for (; names && *names; names++) {
                int r = capability_bits(*names, &bits, err);

                if (r < 0)
                        return r;
                if (all == (strcasecmp(*names, "all") == 0))
                        *caps = add ? *caps | bits : *caps & ~bits;
        }
        return 0;
}

static int find_capabilities(const struct instance_options *o, uint64_t *ret, struct error *err)
{
        uint64_t caps = 0, bits;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(default_capabilities); i++) {
                if (capability_bits(default_capabilities[i], &bits, NULL) == 0)
                        caps |= bits;
        }
        for (int all = 1; r == 0 && all >= 0; all--) {
                r = change_capabilities(o->cap_drop, all, false, &caps, err);
                if (r == 0)
                        r = change_capabilities(o->cap_add, all, true, &caps, err);
        }
        *ret = caps;
        return r;
}

static void write_capabilities(uint64_t caps, struct json_writer *w)
{
        static const char *const sets[] = { "bounding", "effective", "permitted" };

        json_begin_object(w, "capabilities");
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
                json_begin_array(w, sets[i]);
                for (const struct name_value *c = oci_capabilities; c->name; c++) {
                        if (caps & 1ULL << c->value)
                                json_write_string(w, NULL, c->name);
                }
                json_end_array(w);
        }
        json_end_object(w);
}

/* --security-opt no-new-privileges[=true|:true], seccomp=FILE|unconfined. */
struct security {
        bool no_new_privileges, no_seccomp;
        const char *seccomp; /* NULL: the default */
};

static int read_security(const struct instance_options *o, struct security *ret, struct error *err)
{
        *ret = (struct security){};
        for (size_t i = 0; o->security_opt && o->security_opt[i]; i++) {
                const char *text = o->security_opt[i];
                size_t n = strcspn(text, "=:");
                const char *value = text[n] ? text + n + 1 : "";

                if (n == 17 && strncmp(text, "no-new-privileges", n) == 0)
                        ret->no_new_privileges = !*value || strcmp(value, "true") == 0;
                else if (n == 7 && strncmp(text, "seccomp", n) == 0 && *value)
                        ret->seccomp = value;
                else
                        return error_set(err, EINVAL, "--security-opt \"%s\" is not understood", text);
        }
        ret->no_seccomp = ret->seccomp && strcmp(ret->seccomp, "unconfined") == 0;
        return 0;
}

static int write_process(const struct image_spec *s, uint64_t caps, const struct security *security,
                         struct json_writer *w, struct error *err)
{
        const struct instance_options *o = s->options;
        const char *cwd = o->workdir ? o->workdir : s->image->working_dir;
        int r;

        if (*cwd && *cwd != '/')
                return error_set(err, EINVAL, "working directory \"%s\": no absolute path", cwd);
        json_begin_object(w, "process");
        json_write_bool(w, "terminal", o->tty);
        write_user(s, w);
        r = write_args(s, w, err);
        if (r == 0)
                r = write_env(s, w, err);
        json_write_string(w, "cwd", *cwd ? cwd : "/");
        write_capabilities(caps, w);
        json_write_bool(w, "noNewPrivileges", security->no_new_privileges);
        if (r == 0)
                r = resource_flags_write_rlimits(o, w, err);
        json_end_object(w);
        return r;
}

/* ---- mounts ---- */

#define DEVPTS_OPTIONS "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"

static const struct volume default_mounts[] = {
        { "proc", "/proc", "proc", "nosuid,noexec,nodev" },
        { "tmpfs", "/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
        { "devpts", "/dev/pts", "devpts", DEVPTS_OPTIONS ",gid=5" },
        { "sysfs", "/sys", "sysfs", "nosuid,noexec,nodev,ro" },
        { "cgroup", "/sys/fs/cgroup", "cgroup", "ro,nosuid,noexec,nodev" },
        { "mqueue", "/dev/mqueue", "mqueue", "nosuid,noexec,nodev" },
};

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
                if (asprintf(&from, "%s/%s", dir, names[i]) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                r = volumes_add(v, from, to, "bind", "bind,rprivate", err);
        }
        return r;
}

/* Where terminals cannot be the group's that has number 5. */
static const struct volume devpts_of_one = { "devpts", "/dev/pts", "devpts", DEVPTS_OPTIONS };

static int add_defaults(struct volumes *v, const struct image_spec *s, struct error *err)
{
        const struct instance_options *o = s->options;
        char shm[96];
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(default_mounts); i++) {
                const struct volume *m = &default_mounts[i];

                if (s->one_id && strcmp(m->type, "devpts") == 0)
                        m = &devpts_of_one;
                if (!volumes_has(v, m->destination))
                        r = volumes_add(v, m->source, m->destination, m->type, m->options, err);
        }
        if (r < 0 || volumes_has(v, "/dev/shm"))
                return r;
        snprintf(shm, sizeof shm, "nosuid,noexec,nodev,mode=1777,size=%s", o->shm_size ? o->shm_size : "65536k");
        return volumes_add(v, "shm", "/dev/shm", "tmpfs", shm, err);
}

static int add_all(struct volumes *v, const char *const *list,
                   int (*add)(struct volumes *v, const char *text, struct error *err), struct error *err)
{
        int r = 0;

        for (; r == 0 && list && *list; list++)
                r = add(v, *list, err);
        return r;
}

static int write_mounts(const struct image_spec *s, struct json_writer *w, struct error *err)
{
        own_volumes struct volumes v = {};
        int r = add_all(&v, s->options->volume, volumes_add_bind, err);

        if (r == 0)
                r = add_all(&v, s->options->mount, volumes_add_mount, err);
        if (r == 0)
                r = add_all(&v, s->options->tmpfs, volumes_add_tmpfs, err);
        if (r == 0)
                r = add_files(&v, s->files, err);
        if (r == 0)
                r = add_defaults(&v, s, err);
        if (r < 0)
                return r;
        json_begin_array(w, "mounts");
        volumes_write(&v, w);
        json_end_array(w);
        return 0;
}

/* ---- linux ---- */

static void write_namespaces(struct json_writer *w)
{
        static const char *const types[] = { "mount", "uts", "pid", "ipc", "network", "cgroup" };

        json_begin_array(w, "namespaces");
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                json_begin_object(w, NULL);
                json_write_string(w, "type", types[i]);
                json_end_object(w);
        }
        json_end_array(w);
}

/* Docker's (moby: oci/defaults.go). */
static void write_paths(struct json_writer *w)
{
        static const char *const masked[] = {
                "/proc/asound",
                "/proc/acpi",
                "/proc/interrupts",
                "/proc/kcore",
                "/proc/keys",
                "/proc/latency_stats",
                "/proc/timer_list",
                "/proc/timer_stats",
                "/proc/sched_debug",
                "/proc/scsi",
                "/sys/firmware",
                "/sys/devices/virtual/powercap",
                NULL,
        };
        static const char *const read_only[] = { "/proc/bus",           "/proc/fs", "/proc/irq", "/proc/sys",
                                                 "/proc/sysrq-trigger", NULL };

        json_begin_array(w, "maskedPaths");
        write_strings(w, masked);
        json_end_array(w);
        json_begin_array(w, "readonlyPaths");
        write_strings(w, read_only);
        json_end_array(w);
}

static int write_seccomp(const struct image_spec *s, const struct security *security, uint64_t caps,
                         struct json_writer *w, struct error *err)
{
        int r = security->no_seccomp ? 1 : seccomp_profile_write(security->seccomp, caps, w, err);

        if (r == 0)
                s->warn("no seccomp filter: " SECCOMP_PROFILE_DEFAULT " is not installed");
        return r < 0 ? r : 0;
}

static int write_linux(const struct image_spec *s, uint64_t caps, const struct security *security,
                       struct json_writer *w, struct error *err)
{
        own_mem char *cgroup = NULL;
        int r;

        if (asprintf(&cgroup, "/holt/%s", s->id) < 0)
                return error_set(err, ENOMEM, "out of memory");
        json_begin_object(w, "linux");
        if (!s->own_cgroup)
                json_write_string(w, "cgroupsPath", cgroup);
        write_namespaces(w);
        write_paths(w);
        r = resource_flags_write(s->options, w, err);
        if (r == 0)
                r = write_seccomp(s, security, caps, w, err);
        json_end_object(w);
        return r;
}

int image_spec_write(const struct image_spec *s, struct buf *out, struct error *err)
{
        struct json_writer w = { .out = out };
        struct security security;
        uint64_t caps = 0;
        int r = read_security(s->options, &security, err);

        if (r == 0)
                r = find_capabilities(s->options, &caps, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", OCI_SPEC_VERSION);
        json_write_string(&w, "hostname", s->hostname);
        json_begin_object(&w, "root");
        json_write_string(&w, "path", "/");
        json_write_bool(&w, "readonly", s->options->read_only);
        json_end_object(&w);
        r = write_process(s, caps, &security, &w, err);
        if (r == 0)
                r = write_mounts(s, &w, err);
        if (r == 0)
                r = write_linux(s, caps, &security, &w, err);
        json_end_object(&w);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}
