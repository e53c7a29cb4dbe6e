/* SPDX-License-Identifier: Apache-2.0 */
/* --mount KEY=VALUE,...: a line of CSV, as Docker reads it (docker/cli: opts/mount.go). */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/csv_field.h"
#include "instance/flag_value.h"
#include "instance/volume.h"
#include "instance/volume_options.h"

struct mount_flag {
        const char *type, *source, *target, *size, *mode, *propagation, *recursive, *idmap;
        bool read_only, is_flat;
};

static int read_field(struct mount_flag *m, char *field, struct error *err)
{
        /* Of other systems; of SELinux (mount_words.h, selinux_instance.h). */
        static const char *const ignored[] = { "consistency", "relabel" };
        const struct {
                const char *name, **value;
        } names[] = {
                { "type", &m->type },
                { "source", &m->source },
                { "src", &m->source },
                { "target", &m->target },
                { "destination", &m->target },
                { "dst", &m->target },
                { "tmpfs-size", &m->size },
                { "tmpfs-mode", &m->mode },
                { "bind-propagation", &m->propagation },
                { "bind-recursive", &m->recursive },
                { "idmap", &m->idmap },
        };
        char *value = strchr(field, '=');
        bool flag;
        int r;

        if (value)
                *value++ = '\0';
        for (size_t i = 0; value && i < ARRAY_SIZE(names); i++) {
                if (strcmp(field, names[i].name) == 0) {
                        *names[i].value = value;
                        return 0;
                }
        }
        for (size_t i = 0; value && i < ARRAY_SIZE(ignored); i++) {
                if (strcmp(field, ignored[i]) == 0)
                        return 0;
        }
        if (strcmp(field, "readonly") != 0 && strcmp(field, "ro") != 0 && strcmp(field, "rw") != 0 &&
            strcmp(field, "bind-nonrecursive") != 0)
                return error_set(err, EINVAL, "\"%s\" is unknown", field);
        r = flag_bool(field, value, &flag, err);
        if (r < 0)
                return r;
        if (*field == 'b')
                m->is_flat = flag;
        else
                m->read_only = flag == (strcmp(field, "rw") != 0);
        return 0;
}

static int read_recursive(struct mount_flag *m, bool *ret_writable_below, struct error *err)
{
        *ret_writable_below = false;
        if (!m->recursive || strcmp(m->recursive, "enabled") == 0)
                return 0;
        if (strcmp(m->recursive, "disabled") == 0)
                m->is_flat = true;
        else if (strcmp(m->recursive, "writable") == 0)
                *ret_writable_below = true;
        else if (strcmp(m->recursive, "readonly") != 0)
                return error_set(err, EINVAL, "bind-recursive=%s: must be enabled, disabled, writable or readonly",
                                 m->recursive);
        else if (!m->read_only)
                return error_set(err, EINVAL, "bind-recursive=readonly needs readonly");
        return 0;
}

static int add_bind(struct volumes *v, struct mount_flag *m, struct error *err)
{
        own_buf struct buf options = {};
        bool writable_below;
        int r = read_recursive(m, &writable_below, err);

        if (r < 0)
                return r;
        if (m->size || m->mode)
                return error_set(err, EINVAL, "tmpfs-%s is not for a bind", m->size ? "size" : "mode");
        if (!m->source)
                return error_set(err, EINVAL, "no source");
        if (*m->source != '/')
                return error_set(err, EINVAL, "source \"%s\": no absolute path", m->source);
        buf_addf(&options, "%s,%s,%s%s%s%s", m->read_only ? "ro" : "rw", m->is_flat ? "bind" : "rbind",
                 m->propagation ? m->propagation : "rprivate", writable_below ? ",writable-below" : "",
                 m->idmap ? ",idmap=" : "", m->idmap ? m->idmap : "");
        return buf_failed(&options) ? error_set(err, ENOMEM, "out of memory")
                                    : volumes_add_source(v, m->source, m->target, buf_str(&options), false, err);
}

static int add_tmpfs(struct volumes *v, const struct mount_flag *m, struct error *err)
{
        own_buf struct buf given = {}, options = {};
        int r;

        if (m->source)
                return error_set(err, EINVAL, "a tmpfs has no source");
        if (m->propagation || m->recursive || m->is_flat || m->idmap)
                return error_set(err, EINVAL, "options of a bind are not for a tmpfs");
        buf_addf(&given, "%s%s%s%s%s", m->read_only ? "ro" : "rw", m->size ? ",size=" : "", m->size ? m->size : "",
                 m->mode ? ",mode=" : "", m->mode ? m->mode : "");
        r = buf_failed(&given) ? error_set(err, ENOMEM, "out of memory")
                               : volume_options_of_tmpfs(buf_str(&given), &options, err);
        return r < 0 ? r : volumes_add(v, "tmpfs", m->target, "tmpfs", buf_str(&options), err);
}

static int add(struct volumes *v, struct mount_flag *m, struct error *err)
{
        if (!m->target)
                return error_set(err, EINVAL, "no target");
        if (m->type && strcmp(m->type, "tmpfs") == 0)
                return add_tmpfs(v, m, err);
        if (!m->type || strcmp(m->type, "bind") != 0)
                return error_set(err, ENOTSUP, "type \"%s\" is not there yet", m->type ? m->type : "volume");
        return add_bind(v, m, err);
}

int volumes_add_mount(struct volumes *v, const char *text, struct error *err)
{
        own_mem char *copy = strdup(text);
        struct mount_flag m = {};
        char *rest = copy, *field;
        int r;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        while ((r = csv_next_field(&rest, &field, err)) == 0 && field) {
                r = read_field(&m, field, err);
                if (r < 0)
                        break;
        }
        if (r == 0)
                r = add(v, &m, err);
        return r < 0 ? error_wrap(err, "mount \"%s\"", text) : 0;
}
