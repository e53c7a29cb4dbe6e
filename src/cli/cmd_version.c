/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/utsname.h>

#include "base/json.h"
#include "cli/format.h"
#include "cli/invocation.h"

static const struct format_field fields[] = {
        { "Version", "VERSION" }, { "Os", "OS" }, { "KernelVersion", "KERNEL" }, { "Machine", "MACHINE" }, {},
};

int cmd_version(struct invocation *inv, struct error *err)
{
        const char *given = args_str(&inv->args, OPTION_FORMAT);
        own_format struct format format = {};
        own_buf struct buf row = {}, out = {};
        struct json_writer w = { .out = &row };
        struct utsname system = {};
        int r;

        r = format_open(&format, given, "holt version {{.Version}}", fields, !given, err);
        if (r < 0)
                return r;
        (void)uname(&system);
        json_begin_object(&w, NULL);
        json_write_string(&w, "Version", HOLT_VERSION);
        json_write_string(&w, "Os", system.sysname);
        json_write_string(&w, "KernelVersion", system.release);
        json_write_string(&w, "Machine", system.machine);
        json_end_object(&w);
        r = format_add(&format, &row, err);
        if (r == 0)
                r = format_write(&format, &out, err);
        return r < 0 ? r : output_write(&out, err);
}
