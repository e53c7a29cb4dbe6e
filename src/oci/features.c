/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/features.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/runtime_spec.h"

static void strings_write(struct json_writer *w, const char *key, const char *const *names, size_t n)
{
        json_begin_array(w, key);
        for (size_t i = 0; i < n && names[i]; i++)
                json_write_string(w, NULL, names[i]);
        json_end_array(w);
}

static void names_write(struct json_writer *w, const char *key, const struct name_value *table)
{
        json_begin_array(w, key);
        for (; table->name; table++)
                json_write_string(w, NULL, table->name);
        json_end_array(w);
}

static void enabled_write(struct json_writer *w, const char *key, bool enabled)
{
        json_begin_object(w, key);
        json_write_bool(w, "enabled", enabled);
        json_end_object(w);
}

/* A filter at address 0 is refused with EFAULT, but a flag that the kernel does not know before that with EINVAL. */
static bool is_flag_supported(uint64_t flag)
{
        /* The kernel takes this one only together with the flag that makes a listener. */
        if (flag & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
                flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

static void seccomp_write(struct json_writer *w)
{
        json_begin_object(w, "seccomp");
        json_write_bool(w, "enabled", true);
        names_write(w, "actions", oci_seccomp_actions);
        names_write(w, "operators", oci_seccomp_ops);
        names_write(w, "archs", oci_seccomp_archs);
        names_write(w, "knownFlags", oci_seccomp_flags);
        json_begin_array(w, "supportedFlags");
        for (const struct name_value *f = oci_seccomp_flags; f->name; f++) {
                if (is_flag_supported(f->value))
                        json_write_string(w, NULL, f->name);
        }
        json_end_array(w);
        json_end_object(w);
}

static void cgroup_write(struct json_writer *w)
{
        static const char *const kinds[] = { "v1", "v2", "systemd", "systemdUser", "rdma" };

        json_begin_object(w, "cgroup");
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                json_write_bool(w, kinds[i], true);
        json_end_object(w);
}

static void linux_write(struct json_writer *w)
{
        json_begin_object(w, "linux");
        names_write(w, "namespaces", oci_namespaces);
        names_write(w, "capabilities", oci_capabilities);
        cgroup_write(w);
        seccomp_write(w);
        enabled_write(w, "apparmor", true);
        enabled_write(w, "selinux", true);
        enabled_write(w, "intelRdt", false);
        json_begin_object(w, "mountExtensions");
        enabled_write(w, "idmap", true);
        json_end_object(w);
        json_end_object(w);
}

static void annotations_write(struct json_writer *w)
{
        char version[32];

        snprintf(version, sizeof version, "%d.%d.%d", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
        json_begin_object(w, "annotations");
        json_write_string(w, "io.github.seccomp.libseccomp.version", version);
        json_write_string(w, "io.holt.oci.version", HOLT_VERSION);
        json_end_object(w);
}

int features_write(struct buf *out, struct error *err)
{
        static const char *const hooks[] = {
                "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
        };
        /* Names that end with a dot are prefixes. */
        static const char *const unsafe[] = { "bundle", "org.criu.config", "org.systemd.property." };
        struct json_writer w = { .out = out, .indent = 4 };

        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersionMin", "1.0.0");
        json_write_string(&w, "ociVersionMax", OCI_SPEC_VERSION);
        strings_write(&w, "hooks", hooks, ARRAY_SIZE(hooks));
        strings_write(&w, "mountOptions", oci_mount_options, SIZE_MAX);
        linux_write(&w);
        annotations_write(&w);
        strings_write(&w, "potentiallyUnsafeConfigAnnotations", unsafe, ARRAY_SIZE(unsafe));
        json_end_object(&w);
        buf_add_str(out, "\n");
        return buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : 0;
}
