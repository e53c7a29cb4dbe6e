/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/rlimit_flags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/flag_value.h"
#include "oci/runtime_spec.h"

static int parse_limit(const char *text, uint64_t *ret)
{
        if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_u64(text, 10, ret);
}

/* "nofile" is RLIMIT_NOFILE. */
static bool find_type(const char *name, char *type, size_t size)
{
        size_t n = strlen(name);
        uint64_t resource;

        if (n + sizeof "RLIMIT_" > size)
                return false;
        snprintf(type, size, "RLIMIT_");
        for (size_t i = 0; i <= n; i++)
                type[7 + i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 0x20 : name[i]);
        return name_value_find(oci_rlimits, type, &resource);
}

static int write_one(const char *text, struct json_writer *w, struct error *err)
{
        char name[32], type[40], soft[24];
        const char *value;
        uint64_t s = 0, h = 0;
        size_t n;
        int r = flag_pair("ulimit", text, name, sizeof name, &value, err);

        if (r < 0)
                return r;
        if (!find_type(name, type, sizeof type))
                return flag_refuse("ulimit", text, "there is no such limit", err);
        n = strcspn(value, ":");
        snprintf(soft, sizeof soft, "%.*s", (int)n, value);
        if (n >= sizeof soft || parse_limit(soft, &s) < 0 || (value[n] && parse_limit(value + n + 1, &h) < 0))
                return flag_refuse("ulimit", text, "must be NAME=SOFT[:HARD], in numbers; -1 for none", err);
        if (!value[n])
                h = s;
        if (s > h)
                return flag_refuse("ulimit", text, "the soft limit is above the hard one", err);
        json_begin_object(w, NULL);
        json_write_string(w, "type", type);
        json_write_u64(w, "soft", s);
        json_write_u64(w, "hard", h);
        json_end_object(w);
        return 0;
}

static bool is_said_again(const char *const *list)
{
        size_t n = strcspn(*list, "=");

        for (const char *const *later = list + 1; *later; later++) {
                if (strncmp(*later, *list, n) == 0 && (*later)[n] == '=')
                        return true;
        }
        return false;
}

int rlimit_flags_write(const struct instance_options *o, struct json_writer *w, struct error *err)
{
        int r = 0;

        if (!o->ulimit)
                return 0;
        json_begin_array(w, "rlimits");
        for (const char *const *l = o->ulimit; r == 0 && *l; l++) {
                if (!is_said_again(l))
                        r = write_one(*l, w, err);
        }
        json_end_array(w);
        return r;
}
