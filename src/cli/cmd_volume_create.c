/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/instance_select.h"
#include "instance/volume_store.h"

int cmd_volume_create(struct invocation *inv, struct error *err)
{
        const char *driver = args_str(&inv->args, OPTION_DRIVER), *name = inv->args.operands[0];
        own_volume_info struct volume_info v = {};
        own_mem const char **labels = NULL, **options = NULL;
        struct volume_driver local;
        own_engine struct engine e = {};
        int r;

        if (!name)
                name = args_str(&inv->args, OPTION_NAME);
        if (driver && strcmp(driver, "local") != 0)
                return error_set(err, ENOTSUP, "volume driver \"%s\": there is none but local", driver);
        r = args_list(&inv->args, OPTION_LABEL, &labels, err);
        if (r == 0)
                r = args_list(&inv->args, OPTION_OPT, &options, err);
        if (r == 0)
                r = volume_driver_read(options, &local, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = volume_create(&e, name, labels, &local, &v, err);
        /* As with Docker it is enough that it is there. */
        return r == 0 || r == -EEXIST ? output_line(v.name, err) : r;
}
