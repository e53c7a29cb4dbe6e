/* SPDX-License-Identifier: Apache-2.0 */
/* The linux object, but for resources and seccomp (runtime-spec, config-linux.md) */
#include "oci/spec_parse.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <linux/mount.h>
#include <sys/personality.h>

enum { MODE_MAX = 0177777, PERMISSIONS = 07777, MAJOR_MAX = 0xfff, MINOR_MAX = 0xfffff };

static int namespace_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_namespace *ns = ret;
        uint64_t type;
        int r = read_name(o, "type", oci_namespaces, &type, err);

        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "type: must be given");
        ns->type = (int)type;
        return read_absolute(o, "path", &ns->path, err);
}

static int namespaces_read(struct arena *a, struct json_object *o, struct spec_linux *l, struct error *err)
{
        int seen = 0;

        if (read_objects(a, o, "namespaces", namespace_read, sizeof *l->namespaces, &l->namespaces, &l->n_namespaces,
                         err) < 0)
                return -err->code;
        for (size_t i = 0; i < l->n_namespaces; i++) {
                if (seen & l->namespaces[i].type)
                        return error_set(err, EINVAL, "namespaces[%zu].type: given twice", i);
                seen |= l->namespaces[i].type;
        }
        return 0;
}

static int device_numbers_read(struct json_object *o, struct spec_device *d, struct error *err)
{
        struct opt_u64 major = {}, minor = {};

        if (read_opt_u64(o, "major", MAJOR_MAX, &major, err) < 0 ||
            read_opt_u64(o, "minor", MINOR_MAX, &minor, err) < 0)
                return -err->code;
        if (!major.set || !minor.set)
                return error_set(err, EINVAL, "%s: must be given", major.set ? "minor" : "major");
        d->major = (int64_t)major.v;
        d->minor = (int64_t)minor.v;
        return 0;
}

static int device_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_device *d = ret;
        const char *type = NULL;

        if (read_required(o, "type", &type, err) < 0 || read_required(o, "path", &d->path, err) < 0 ||
            read_absolute(o, "path", &d->path, err) < 0 || read_u32(o, "uid", &d->uid, err) < 0 ||
            read_u32(o, "gid", &d->gid, err) < 0 || read_opt_u64(o, "fileMode", MODE_MAX, &d->mode, err) < 0)
                return -err->code;
        if (!strchr("cubp", *type) || type[1])
                return unknown_value(err, "type", type);
        /* Docker gives st_mode as it is, with the file's type in it. */
        d->mode.v &= PERMISSIONS;
        d->type = *type;
        if (d->type == 'u')
                d->type = 'c';
        return d->type == 'p' ? 0 : device_numbers_read(o, d, err);
}

/* As the kernel's dev_valid_name(). */
static bool is_interface_name(const char *s)
{
        return *s && strlen(s) < IFNAMSIZ && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
               !strpbrk(s, "/: \t\n\v\f\r");
}

struct net_device_fill {
        struct spec_net_device *next;
        struct error *err;
};

static int net_device_read(const char *key, struct json_object *value, void *userdata)
{
        struct net_device_fill *f = userdata;
        struct error *err = f->err;

        if (!is_interface_name(key) || !json_is_object(value))
                return error_set(err, EINVAL, "netDevices[\"%s\"]: expected an interface's name and an object", key);
        f->next->host_name = key;
        if (read_string(value, "name", &f->next->name, err) < 0)
                return at_member(err, key), at_member(err, "netDevices");
        if (f->next->name && !is_interface_name(f->next->name))
                return error_set(err, EINVAL, "netDevices.%s.name: \"%s\" is no interface's name", key, f->next->name);
        f->next++;
        return 0;
}

static int net_devices_read(struct arena *a, struct json_object *o, struct spec_linux *l, struct error *err)
{
        struct net_device_fill fill = { NULL, err };
        struct json_object *object;
        int r = json_get_object(o, "netDevices", &object, err);

        if (r <= 0)
                return r;
        l->n_net_devices = json_member_count(object);
        l->net_devices = fill.next = arena_alloc(a, l->n_net_devices, sizeof *l->net_devices);
        return fill.next ? json_each(object, net_device_read, &fill) : no_memory(err);
}

static int propagation_read(struct json_object *o, unsigned long *ret, struct error *err)
{
        static const struct name_value table[] = {
                { "", 0 },
                { "private", MS_PRIVATE },
                { "rprivate", MS_PRIVATE | MS_REC },
                { "slave", MS_SLAVE },
                { "rslave", MS_SLAVE | MS_REC },
                { "shared", MS_SHARED },
                { "rshared", MS_SHARED | MS_REC },
                { "unbindable", MS_UNBINDABLE },
                { "runbindable", MS_UNBINDABLE | MS_REC },
                {},
        };
        uint64_t value = 0;
        int r = read_name(o, "rootfsPropagation", table, &value, err);

        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

static int personality_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        static const struct name_value domains[] = { { "LINUX", PER_LINUX }, { "LINUX32", PER_LINUX32 }, {} };
        struct spec_linux *l = ret;
        struct str_list flags = {};
        uint64_t domain;
        int r = read_name(o, "domain", domains, &domain, err);

        if (r < 0)
                return r;
        if (!r)
                return error_set(err, EINVAL, "domain: must be given");
        if (read_str_list(a, o, "flags", &flags, err) < 0)
                return -err->code;
        if (flags.n)
                return error_set(err, EINVAL, "flags[0]: unknown value \"%s\"", flags.v[0]);
        l->has_personality = true;
        l->personality = domain;
        return 0;
}

static int time_offset_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_time_offset *t = ret;
        struct opt_i64 secs = {};
        struct opt_u64 nanosecs = {};

        if (read_opt_i64(o, "secs", &secs, err) < 0 || read_opt_u64(o, "nanosecs", 999999999, &nanosecs, err) < 0)
                return -err->code;
        t->set = true;
        t->secs = secs.v;
        t->nanosecs = (uint32_t)nanosecs.v;
        return 0;
}

static int clock_check(const char *key, struct json_object *value, void *userdata)
{
        if (strcmp(key, "monotonic") == 0 || strcmp(key, "boottime") == 0)
                return 0;
        return error_set(userdata, EINVAL, "%s: is no clock of a time namespace", key);
}

static int time_offsets_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_linux *l = ret;

        if (json_each(o, clock_check, err) < 0 ||
            read_object(a, o, "monotonic", time_offset_read, &l->monotonic, err) < 0)
                return -err->code;
        return read_object(a, o, "boottime", time_offset_read, &l->boottime, err);
}

static int linux_resources_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_linux *l = ret;

        l->has_resources = true;
        return resources_read(a, o, &l->resources, err);
}

static int rootfs_members_read(struct arena *a, struct json_object *o, struct spec_linux *l, struct error *err)
{
        if (propagation_read(o, &l->rootfs_propagation, err) < 0 ||
            read_str_list(a, o, "maskedPaths", &l->masked_paths, err) < 0 ||
            read_str_list(a, o, "readonlyPaths", &l->readonly_paths, err) < 0 ||
            read_string(o, "mountLabel", &l->mount_label, err) < 0 ||
            read_objects(a, o, "devices", device_read, sizeof *l->devices, &l->devices, &l->n_devices, err) < 0)
                return -err->code;
        return 0;
}

static int presence_read(struct json_object *o, const char *key, bool *ret_given, struct error *err)
{
        struct json_object *object;
        int r = json_get_object(o, key, &object, err);

        if (r > 0)
                *ret_given = true;
        return r < 0 ? r : 0;
}

int linux_read(struct arena *a, struct json_object *o, void *ret, struct error *err)
{
        struct spec_linux *l = ret;

        if (namespaces_read(a, o, l, err) < 0 || read_id_mappings(a, o, "uidMappings", &l->uid_mappings, err) < 0 ||
            read_id_mappings(a, o, "gidMappings", &l->gid_mappings, err) < 0 ||
            read_object(a, o, "timeOffsets", time_offsets_read, l, err) < 0 || net_devices_read(a, o, l, err) < 0 ||
            read_str_map(a, o, "sysctl", &l->sysctl, err) < 0 ||
            read_string(o, "cgroupsPath", &l->cgroups_path, err) < 0 ||
            read_object(a, o, "resources", linux_resources_read, l, err) < 0 || rootfs_members_read(a, o, l, err) < 0 ||
            read_new(a, o, "seccomp", seccomp_read, sizeof *l->seccomp, &l->seccomp, err) < 0 ||
            read_object(a, o, "personality", personality_read, l, err) < 0 ||
            presence_read(o, "intelRdt", &l->has_intel_rdt, err) < 0 ||
            presence_read(o, "memoryPolicy", &l->has_memory_policy, err) < 0)
                return -err->code;
        return 0;
}
