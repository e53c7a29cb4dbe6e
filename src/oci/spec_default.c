/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_default.h"

#include <errno.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/runtime_spec.h"

static void strings_write(struct json_writer *w, const char *key, const char *const *strings)
{
        json_begin_array(w, key);
        for (; *strings; strings++)
                json_write_string(w, NULL, *strings);
        json_end_array(w);
}

static void capabilities_write(struct json_writer *w)
{
        static const char *const sets[] = { "bounding", "effective", "permitted" };
        static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };

        json_begin_object(w, "capabilities");
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
                strings_write(w, sets[i], caps);
        json_end_object(w);
}

static void process_write(struct json_writer *w)
{
        json_begin_object(w, "process");
        json_write_bool(w, "terminal", true);
        json_begin_object(w, "user");
        json_write_u64(w, "uid", 0);
        json_write_u64(w, "gid", 0);
        json_end_object(w);
        strings_write(w, "args", (const char *const[]){ "sh", NULL });
        strings_write(w, "env",
                      (const char *const[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                             "TERM=xterm", NULL });
        json_write_string(w, "cwd", "/");
        capabilities_write(w);
        json_begin_array(w, "rlimits");
        json_begin_object(w, NULL);
        json_write_string(w, "type", "RLIMIT_NOFILE");
        json_write_u64(w, "hard", 1024);
        json_write_u64(w, "soft", 1024);
        json_end_object(w);
        json_end_array(w);
        json_write_bool(w, "noNewPrivileges", true);
        json_end_object(w);
}

struct mount {
        const char *destination, *type, *source;
        const char *options[8];
};

static const struct mount mounts[] = {
        { "/proc", "proc", "proc", {} },
        { "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
        { "/dev/pts",
          "devpts",
          "devpts",
          { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
        { "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
        { "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
        { "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
        { "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* What differs without root: group 5 is not mapped, and sysfs belongs to a network namespace that is not ours. */
static const struct mount rootless_mounts[] = {
        { "/proc", "proc", "proc", {} },
        { "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
        { "/dev/pts", "devpts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
        { "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
        { "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
        { "/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" } },
        { "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static void mounts_write(struct json_writer *w, const struct mount *m, size_t n)
{
        json_begin_array(w, "mounts");
        for (; n--; m++) {
                json_begin_object(w, NULL);
                json_write_string(w, "destination", m->destination);
                json_write_string(w, "type", m->type);
                json_write_string(w, "source", m->source);
                if (m->options[0])
                        strings_write(w, "options", m->options);
                json_end_object(w);
        }
        json_end_array(w);
}

/* Maps one id to root. */
static void mapping_write(struct json_writer *w, const char *key, unsigned id)
{
        json_begin_array(w, key);
        json_begin_object(w, NULL);
        json_write_u64(w, "containerID", 0);
        json_write_u64(w, "hostID", id);
        json_write_u64(w, "size", 1);
        json_end_object(w);
        json_end_array(w);
}

/* All devices are forbidden; the runtime adds those that every container has. */
static void resources_write(struct json_writer *w)
{
        json_begin_object(w, "resources");
        json_begin_array(w, "devices");
        json_begin_object(w, NULL);
        json_write_bool(w, "allow", false);
        json_write_string(w, "access", "rwm");
        json_end_object(w);
        json_end_array(w);
        json_end_object(w);
}

static void namespaces_write(struct json_writer *w, bool rootless)
{
        const char *const types[] = { "pid", rootless ? "user" : "network", "ipc", "uts", "mount", "cgroup" };

        json_begin_array(w, "namespaces");
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                json_begin_object(w, NULL);
                json_write_string(w, "type", types[i]);
                json_end_object(w);
        }
        json_end_array(w);
}

static void linux_write(struct json_writer *w, bool rootless)
{
        static const char *const masked[] = {
                "/proc/acpi",
                "/proc/asound",
                "/proc/kcore",
                "/proc/keys",
                "/proc/latency_stats",
                "/proc/timer_list",
                "/proc/timer_stats",
                "/proc/sched_debug",
                "/sys/firmware",
                "/proc/scsi",
                NULL,
        };
        static const char *const readonly[] = {
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
        };

        json_begin_object(w, "linux");
        if (rootless) {
                mapping_write(w, "uidMappings", geteuid());
                mapping_write(w, "gidMappings", getegid());
        } else {
                resources_write(w);
        }
        namespaces_write(w, rootless);
        strings_write(w, "maskedPaths", masked);
        strings_write(w, "readonlyPaths", readonly);
        json_end_object(w);
}

int spec_default(bool rootless, struct buf *out, struct error *err)
{
        struct json_writer w = { .out = out, .indent = 4 };

        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", OCI_SPEC_VERSION);
        process_write(&w);
        json_begin_object(&w, "root");
        json_write_string(&w, "path", "rootfs");
        json_write_bool(&w, "readonly", true);
        json_end_object(&w);
        json_write_string(&w, "hostname", "holt");
        mounts_write(&w, rootless ? rootless_mounts : mounts, ARRAY_SIZE(mounts));
        linux_write(&w, rootless);
        json_end_object(&w);
        buf_add_str(out, "\n");
        return buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : 0;
}
