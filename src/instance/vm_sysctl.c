/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_sysctl.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "container/sysctl.h"
#include "instance/flag_value.h"

enum { MAX_KEY = 256 };

bool vm_sysctl_is_guests(const char *key)
{
        int namespace = sysctl_namespace(key);

        return !namespace || namespace == CLONE_NEWNET;
}

static int write_one(const char *flag, struct json_writer *w, struct error *err)
{
        char key[MAX_KEY], path[PATH_MAX];
        const char *value;
        int r = flag_pair("sysctl", flag, key, sizeof key, &value, err);

        if (r < 0 || !vm_sysctl_is_guests(key))
                return r;
        if (sysctl_path(key, path, sizeof path) < 0)
                return error_set(err, EINVAL, "sysctl \"%s\": not a valid name", key);
        json_begin_object(w, NULL);
        json_write_string(w, "path", path);
        json_write_string(w, "content", value);
        json_end_object(w);
        return 0;
}

int vm_sysctl_write(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int r = 0;

        if (!o->sysctl)
                return 0;
        json_begin_array(w, "sysctls");
        for (const char *const *l = o->sysctl; *l && r == 0; l++)
                r = write_one(*l, w, err);
        json_end_array(w);
        return r;
}
