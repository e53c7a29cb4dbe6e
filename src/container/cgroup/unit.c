/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "container/cgroup/hierarchy.h"

#define SLICE_SUFFIX ".slice"

/* systemd's own limit on the length of a unit's name (UNIT_NAME_MAX). */
enum { MAX_UNIT_NAME = 255, SLICE_SUFFIX_LEN = sizeof SLICE_SUFFIX - 1 };

bool unit_is_slice(const char *unit)
{
        size_t len = strlen(unit);

        return len > SLICE_SUFFIX_LEN && strcmp(unit + len - SLICE_SUFFIX_LEN, SLICE_SUFFIX) == 0;
}

int unit_slice_path(const char *slice, char *ret, size_t size)
{
        size_t name_len, used = 0;

        if (!unit_is_slice(slice) || strchr(slice, '/'))
                return -EINVAL;
        name_len = strlen(slice) - SLICE_SUFFIX_LEN;
        if (name_len == 1 && slice[0] == '-') {
                ret[0] = '\0';
                return 0;
        }
        for (size_t start = 0, end; start <= name_len; start = end + 1) {
                int n;

                end = start + strcspn(slice + start, "-");
                if (end > name_len)
                        end = name_len;
                if (end == start)
                        return -EINVAL;
                n = snprintf(ret + used, size - used, "/%.*s" SLICE_SUFFIX, (int)end, slice);
                if (n < 0 || (size_t)n >= size - used)
                        return -ENAMETOOLONG;
                used += (size_t)n;
        }
        return 0;
}

/* What systemd allows in a unit's name (unit-name.c): no slash, blank or control character. */
static bool is_unit_name(const char *name)
{
        size_t len = strlen(name);

        return len && len <= MAX_UNIT_NAME &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@") == len;
}

static int set_names(struct cgroup *cg, const char *slice, const char *prefix, const char *name, struct error *err)
{
        char unit[MAX_UNIT_NAME + 2];
        int n;

        if (unit_is_slice(name))
                n = snprintf(unit, sizeof unit, "%s", name);
        else
                n = snprintf(unit, sizeof unit, "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
        if (n < 0 || (size_t)n >= sizeof unit || !is_unit_name(unit))
                return error_set(err, EINVAL, "cgroupsPath: \"%s\" is no valid name for a systemd unit", unit);
        if (!*slice)
                slice = cg->rootless ? "user.slice" : "system.slice";
        cg->slice = arena_strdup(&cg->arena, slice);
        cg->scope = arena_strdup(&cg->arena, unit);
        return cg->slice && cg->scope ? 0 : error_set(err, ENOMEM, "out of memory");
}

/* Splits "slice:prefix:name"; the name may not hold a colon, as runc has it. */
static int parse_cgroups_path(struct cgroup *cg, const char *cgroups_path, struct error *err)
{
        char *copy = arena_strdup(&cg->arena, cgroups_path), *slice, *prefix, *name;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        slice = strsep(&copy, ":");
        prefix = strsep(&copy, ":");
        name = strsep(&copy, ":");
        if (!name || copy)
                return error_set(err, EINVAL, "cgroupsPath \"%s\": for systemd it has to be \"slice:prefix:name\"",
                                 cgroups_path);
        return set_names(cg, slice, prefix, name, err);
}

int unit_set_path(struct cgroup *cg, const char *path, struct error *err)
{
        char *copy = arena_strdup(&cg->arena, path);

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < cg->n; i++)
                cg->h[i].path = copy;
        return 0;
}

int unit_plan(struct cgroup *cg, const char *cgroups_path, const char *id, struct error *err)
{
        char path[PATH_MAX];
        size_t len;
        int r;

        if (cgroups_path && *cgroups_path)
                r = parse_cgroups_path(cg, cgroups_path, err);
        else
                r = set_names(cg, "", "runc", id, err);
        if (r < 0)
                return r;
        r = unit_slice_path(cg->slice, path, sizeof path - MAX_UNIT_NAME - CGROUP_FILE_MAX);
        if (r < 0)
                return error_set(err, -r, "cgroupsPath: \"%s\" is no valid name for a systemd slice", cg->slice);
        if (cg->rootless) {
                for (size_t i = 0; i < cg->n; i++)
                        cg->h[i].path = NULL;
                return 0;
        }
        len = strlen(path);
        snprintf(path + len, sizeof path - len, "/%s", cg->scope);
        return unit_set_path(cg, path, err);
}
