/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/security_flags.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "instance/flag_value.h"

static const char flag[] = "security-opt";

static int read_system_paths(const char *text, const char *value, struct security *s, struct error *err)
{
        if (strcmp(value, "unconfined") != 0)
                return flag_refuse(flag, text, "only systempaths=unconfined is known", err);
        s->no_paths = true;
        return 0;
}

static int read_paths(const char *text, const char *value, bool unmask, struct security *s, struct error *err)
{
        if (unmask && strcasecmp(value, "all") == 0) {
                s->no_paths = true;
                return 0;
        }
        for (const char *p = value; p; p = strchr(p, ':'), p = p ? p + 1 : p) {
                if (*p != '/')
                        return flag_refuse(flag, text, "must be absolute paths, with colons between them", err);
        }
        return 0;
}

static bool is_name(const char *text, size_t n, const char *name)
{
        return strlen(name) == n && strncmp(text, name, n) == 0;
}

static int read_option(const char *text, struct security *s, struct error *err)
{
        size_t n = strcspn(text, "=:");
        const char *value = text[n] ? text + n + 1 : "";

        if (is_name(text, n, "no-new-privileges"))
                return flag_bool(flag, *value ? value : NULL, &s->no_new_privileges, err);
        if (!*value)
                return flag_refuse(flag, text, "is not known, or lacks its value", err);
        if (is_name(text, n, "seccomp"))
                s->seccomp = value;
        else if (is_name(text, n, "apparmor"))
                s->apparmor = value;
        else if (is_name(text, n, "proc-opts"))
                s->proc_options = value;
        else if (is_name(text, n, "label"))
                return 0; /* selinux.h; where SELinux is not it says nothing, as Docker has it */
        else if (is_name(text, n, "systempaths"))
                return read_system_paths(text, value, s, err);
        else if (is_name(text, n, "mask") || is_name(text, n, "unmask"))
                return read_paths(text, value, *text == 'u', s, err);
        else
                return flag_refuse(flag, text, "is not known", err);
        return 0;
}

int security_flags_read(const struct instance_options *o, struct security *ret, struct error *err)
{
        struct security s = {};
        int r = 0;

        for (size_t i = 0; r == 0 && o->security_opt && o->security_opt[i]; i++)
                r = read_option(o->security_opt[i], &s, err);
        if (r < 0)
                return r;
        s.no_seccomp = s.seccomp ? strcmp(s.seccomp, "unconfined") == 0 : o->privileged;
        s.no_apparmor = s.apparmor ? strcmp(s.apparmor, "unconfined") == 0 : o->privileged;
        s.no_paths |= o->privileged;
        *ret = s;
        return 0;
}

/* ---- paths ---- */

/* Docker's (moby: oci/defaults.go). */
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
static const char *const read_only[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* Takes the next path of a list with colons. */
static bool next_path(const char **list, char path[PATH_MAX])
{
        size_t n = strcspn(*list, ":");

        if (!n || n >= PATH_MAX)
                return false;
        memcpy(path, *list, n);
        path[n] = '\0';
        *list += n + ((*list)[n] == ':');
        return true;
}

/* The paths of the next --security-opt NAME=..., counted by *at; NULL when there is none. */
static const char *next_option(const struct instance_options *o, const char *name, size_t *at)
{
        size_t n = strlen(name);

        while (o->security_opt && o->security_opt[*at]) {
                const char *text = o->security_opt[(*at)++];

                if (strncmp(text, name, n) == 0 && (text[n] == '=' || text[n] == ':'))
                        return text + n + 1;
        }
        return NULL;
}

/* As podman has it: a pattern of an unmask= fits. */
static bool is_unmasked(const struct instance_options *o, const char *path)
{
        char pattern[PATH_MAX];
        const char *list;
        size_t at = 0;

        while ((list = next_option(o, "unmask", &at))) {
                while (next_path(&list, pattern)) {
                        if (fnmatch(pattern, path, FNM_PATHNAME) == 0)
                                return true;
                }
        }
        return false;
}

static void write_list(const struct instance_options *o, const char *const *paths, struct json_writer *w)
{
        for (; *paths; paths++) {
                if (!is_unmasked(o, *paths))
                        json_write_string(w, NULL, *paths);
        }
}

void security_flags_write_paths(const struct instance_options *o, const struct security *s, struct json_writer *w)
{
        char path[PATH_MAX];
        const char *list;
        size_t at = 0;

        json_begin_array(w, "maskedPaths");
        if (!s->no_paths)
                write_list(o, masked, w);
        while ((list = next_option(o, "mask", &at))) {
                while (next_path(&list, path))
                        json_write_string(w, NULL, path);
        }
        json_end_array(w);
        json_begin_array(w, "readonlyPaths");
        if (!s->no_paths)
                write_list(o, read_only, w);
        json_end_array(w);
}
