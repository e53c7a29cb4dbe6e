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
        own_mem const char **labels = NULL;
        own_engine struct engine e = {};
        int r;

        if (!name)
                name = args_str(&inv->args, OPTION_NAME);
        if (driver && strcmp(driver, "local") != 0)
                return error_set(err, ENOTSUP, "volume driver \"%s\": there is none but local", driver);
        if (args_has(&inv->args, OPTION_OPT))
                return error_set(err, ENOTSUP,
                                 "--opt: the driver local takes no options; mount a directory of the host "
                                 "with -v /DIRECTORY:/PLACE instead");
        r = args_list(&inv->args, OPTION_LABEL, &labels, err);
        if (r == 0)
                r = invocation_engine(inv, &e, err);
        if (r == 0)
                r = volume_create(&e, name, labels, &v, err);
        /* As with Docker it is enough that it is there. */
        return r == 0 || r == -EEXIST ? output_line(v.name, err) : r;
}
