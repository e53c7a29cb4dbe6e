/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/flag_value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"

int flag_refuse(const char *flag, const char *value, const char *why, struct error *err)
{
        return error_set(err, EINVAL, "--%s \"%s\": %s", flag, value, why);
}

int flag_i64(const char *flag, const char *value, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
        int64_t v;
        int r = parse_i64(value, &v);

        if (r == -EINVAL)
                return flag_refuse(flag, value, "no whole number", err);
        if (r < 0 || v < min || v > max)
                return error_set(err, EINVAL, "--%s \"%s\": must be from %" PRId64 " to %" PRId64, flag, value, min,
                                 max);
        *ret = v;
        return 0;
}

int flag_size(const char *flag, const char *value, int64_t *ret, struct error *err)
{
        return parse_size(value, ret) < 0 ? flag_refuse(flag, value, "no size such as 512m or 2g", err) : 0;
}

int flag_bool(const char *flag, const char *value, bool *ret, struct error *err)
{
        static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" }, *const no[] = { "0",     "f",
                                                                                                    "F",     "false",
                                                                                                    "FALSE", "False" };

        *ret = true;
        for (size_t i = 0; value && i < ARRAY_SIZE(yes); i++) {
                if (strcmp(value, yes[i]) == 0)
                        return 0;
                if (strcmp(value, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }
        return value ? flag_refuse(flag, value, "must be true or false", err) : 0;
}

int flag_pair(const char *flag, const char *text, char *name, size_t size, const char **ret_value, struct error *err)
{
        size_t n = strcspn(text, "=");

        if (!text[n] || n == 0)
                return flag_refuse(flag, text, "must be NAME=VALUE", err);
        if (n >= size)
                return flag_refuse(flag, text, "the name is too long", err);
        memcpy(name, text, n);
        name[n] = '\0';
        *ret_value = text + n + 1;
        return 0;
}
