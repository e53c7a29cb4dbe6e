/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/log_options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"

static int find_driver(const char *name, enum log_driver *ret, struct error *err)
{
        static const char *const names[] = {
                [LOG_JSON_FILE] = "json-file", [LOG_JOURNALD] = "journald", [LOG_NONE] = "none"
        };

        for (size_t i = 0; name && i < ARRAY_SIZE(names); i++) {
                if (strcmp(names[i], name) == 0) {
                        *ret = (enum log_driver)i;
                        return 0;
                }
        }
        return name ? error_set(err, EINVAL, "log driver \"%s\": there are json-file, journald and none", name) : 0;
}

/* The value, if the option has this name. */
static const char *value_of(const char *option, const char *name)
{
        size_t n = strlen(name);

        return strncmp(option, name, n) == 0 && option[n] == '=' ? option + n + 1 : NULL;
}

static int invalid(const char *option, struct error *err)
{
        return error_set(err, EINVAL, "log option \"%s\": invalid value", option);
}

static int read_file_option(const char *option, struct log_options *o, bool *ret_known, struct error *err)
{
        const char *v;

        *ret_known = true;
        if ((v = value_of(option, "max-size")))
                return parse_size(v, &o->max_size) < 0 || o->max_size == 0 ? invalid(option, err) : 0;
        if ((v = value_of(option, "max-file")))
                return parse_u32(v, 10, &o->max_files) < 0 || !o->max_files ? invalid(option, err) : 0;
        if ((v = value_of(option, "compress")))
                return strcmp(v, "false") == 0
                               ? 0
                               : error_set(err, EINVAL, "log option \"%s\": files stay as they are", option);
        *ret_known = false;
        return 0;
}

static int read_option(const char *option, struct log_options *o, struct error *err)
{
        bool known = false;
        const char *v;
        int r = o->driver == LOG_JSON_FILE ? read_file_option(option, o, &known, err) : 0;

        if (r < 0 || known)
                return r;
        if (o->driver == LOG_JOURNALD && (v = value_of(option, "tag"))) {
                o->tag = v;
                return 0;
        }
        if ((v = value_of(option, "mode")))
                return strcmp(v, "blocking") == 0
                               ? 0
                               : error_set(err, EINVAL, "log option \"%s\": nothing is ever dropped", option);
        return error_set(err, EINVAL, "log option \"%s\" is not known to this log driver", option);
}

int log_options_parse(const char *driver, const char *const *options, struct log_options *ret, struct error *err)
{
        struct log_options o = { .driver = LOG_JSON_FILE, .max_size = -1, .max_files = 1 };
        int r = find_driver(driver, &o.driver, err);

        for (; r == 0 && options && *options; options++)
                r = read_option(*options, &o, err);
        if (r == 0 && o.max_files > 1 && o.max_size < 0)
                r = error_set(err, EINVAL, "log option \"max-file\" needs \"max-size\"");
        if (r == 0)
                *ret = o;
        return r;
}
