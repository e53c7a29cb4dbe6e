/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/own.h"
#include "oci/image_manifest.h"
#include "oci/runtime_spec.h"
#include "sys/fd.h"

enum { MAX_PROFILE = 1 << 20 };

struct machine {
        uint64_t capabilities;
        const char *architecture;   /* in Go's words */
        unsigned long major, minor; /* of the kernel */
};

static const struct {
        const char *go, *scmp;
} architectures[] = {
        { "amd64", "SCMP_ARCH_X86_64" },      { "386", "SCMP_ARCH_X86" },
        { "arm64", "SCMP_ARCH_AARCH64" },     { "arm", "SCMP_ARCH_ARM" },
        { "riscv64", "SCMP_ARCH_RISCV64" },   { "ppc64le", "SCMP_ARCH_PPC64LE" },
        { "s390x", "SCMP_ARCH_S390X" },       { "mips64", "SCMP_ARCH_MIPS64" },
        { "mips64le", "SCMP_ARCH_MIPSEL64" }, { "loong64", "SCMP_ARCH_LOONGARCH64" },
};

static const char *architecture_token(const char *go)
{
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
                if (strcmp(architectures[i].go, go) == 0)
                        return architectures[i].scmp;
        }
        return "";
}

static bool has_capability(const struct machine *m, const char *name)
{
        uint64_t bit;

        return name && name_value_find(oci_capabilities, name, &bit) && m->capabilities & 1ULL << bit;
}

/* Among the capabilities of the list: all of them for an include, any of them for an exclude. */
static bool capabilities_match(const struct machine *m, struct json_object *list, bool all)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                if (has_capability(m, json_string_value(json_array_item(list, i))) != all)
                        return !all;
        }
        return all;
}

static bool architecture_matches(const struct machine *m, struct json_object *list)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *name = json_string_value(json_array_item(list, i));

                if (name && strcmp(name, m->architecture) == 0)
                        return true;
        }
        return false;
}

/* "6.12.3-arch1" */
static bool read_version(const char *text, unsigned long *ret_major, unsigned long *ret_minor)
{
        char *end;

        *ret_major = strtoul(text, &end, 10);
        if (end == text || *end != '.')
                return false;
        text = end + 1;
        *ret_minor = strtoul(text, &end, 10);
        return end != text;
}

static bool kernel_is_new_enough(const struct machine *m, const char *least)
{
        unsigned long major, minor;

        return read_version(least, &major, &minor) && (m->major > major || (m->major == major && m->minor >= minor));
}

/* Whether what the rule demands is so. */
static bool is_included(const struct machine *m, struct json_object *rule)
{
        struct json_object *includes, *list;
        const char *kernel;

        if (json_get_object(rule, "includes", &includes, NULL) <= 0)
                return true;
        if (json_get_array(includes, "caps", &list, NULL) > 0 && json_array_size(list) &&
            !capabilities_match(m, list, true))
                return false;
        if (json_get_array(includes, "arches", &list, NULL) > 0 && json_array_size(list) &&
            !architecture_matches(m, list))
                return false;
        return json_get_string(includes, "minKernel", &kernel, NULL) <= 0 || kernel_is_new_enough(m, kernel);
}

static bool is_excluded(const struct machine *m, struct json_object *rule)
{
        struct json_object *excludes, *list;
        const char *kernel;

        if (json_get_object(rule, "excludes", &excludes, NULL) <= 0)
                return false;
        if (json_get_array(excludes, "caps", &list, NULL) > 0 && capabilities_match(m, list, false))
                return true;
        if (json_get_array(excludes, "arches", &list, NULL) > 0 && architecture_matches(m, list))
                return true;
        return json_get_string(excludes, "minKernel", &kernel, NULL) > 0 && kernel_is_new_enough(m, kernel);
}

static void copy_member(struct json_writer *w, const char *key, struct json_object *value)
{
        own_buf struct buf text = {};

        json_add_value(&text, value);
        w->out->failed |= text.failed;
        json_write_raw(w, key, buf_str(&text));
}

struct copy {
        struct json_writer *w;
        const char *const *members;
};

static int copy_if_wanted(const char *key, struct json_object *value, void *userdata)
{
        const struct copy *c = userdata;

        for (size_t i = 0; c->members[i]; i++) {
                if (strcmp(key, c->members[i]) == 0)
                        copy_member(c->w, key, value);
        }
        return 0;
}

static void write_architectures(const struct machine *m, struct json_object *profile, struct json_writer *w)
{
        const char *token = architecture_token(m->architecture), *name;
        struct json_object *map, *list;

        if (json_get_array(profile, "archMap", &map, NULL) <= 0)
                return;
        json_begin_array(w, "architectures");
        for (size_t i = 0; i < json_array_size(map); i++) {
                struct json_object *entry = json_array_item(map, i);

                if (!json_is_object(entry) || json_get_string(entry, "architecture", &name, NULL) <= 0 ||
                    strcmp(name, token) != 0)
                        continue;
                json_write_string(w, NULL, name);
                if (json_get_array(entry, "subArchitectures", &list, NULL) <= 0)
                        continue;
                for (size_t j = 0; j < json_array_size(list); j++) {
                        if (json_string_value(json_array_item(list, j)))
                                json_write_string(w, NULL, json_string_value(json_array_item(list, j)));
                }
        }
        json_end_array(w);
}

static int write_profile(const struct machine *m, struct json_object *profile, struct json_writer *w, struct error *err)
{
        static const char *const top[] = { "defaultAction", "defaultErrnoRet", "architectures",
                                           "flags",         "listenerPath",    NULL };
        static const char *const of_rule[] = { "names", "action", "errnoRet", "args", NULL };
        struct json_object *rules = NULL;

        if (json_get_array(profile, "syscalls", &rules, err) < 0)
                return -err->code;
        json_each(profile, copy_if_wanted, &(struct copy){ w, top });
        write_architectures(m, profile, w);
        json_begin_array(w, "syscalls");
        for (size_t i = 0; rules && i < json_array_size(rules); i++) {
                struct json_object *rule = json_array_item(rules, i);

                if (!json_is_object(rule) || !is_included(m, rule) || is_excluded(m, rule))
                        continue;
                json_begin_object(w, NULL);
                json_each(rule, copy_if_wanted, &(struct copy){ w, of_rule });
                json_end_object(w);
        }
        json_end_array(w);
        return 0;
}

static struct machine this_machine(uint64_t capabilities)
{
        struct machine m = { .capabilities = capabilities, .architecture = platform_host().architecture };
        struct utsname u;

        if (uname(&u) == 0)
                read_version(u.release, &m.major, &m.minor);
        return m;
}

int seccomp_profile_write(const char *path, uint64_t capabilities, struct json_writer *w, struct error *err)
{
        const struct machine m = this_machine(capabilities);
        own_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        own_buf struct buf text = {};
        own_json struct json_object *profile = NULL;
        int r;

        if (fd < 0)
                return error_errno(err, errno, "open the seccomp profile %s", path);
        r = fd_read_all(fd, MAX_PROFILE, &text);
        if (r < 0)
                return error_errno(err, -r, "read the seccomp profile %s", path);
        r = json_parse(buf_str(&text), text.len, &profile, err);
        if (r == 0 && !json_is_object(profile))
                r = error_set(err, EINVAL, "no object");
        if (r == 0)
                r = write_profile(&m, profile, w, err);
        return r < 0 ? error_wrap(err, "seccomp profile %s", path) : 0;
}
