/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cli/invocation.h"
#include "cli/registry_name.h"
#include "registry/auth_file.h"

int cmd_logout(struct invocation *inv, struct error *err)
{
        const char *file = args_str(&inv->args, OPTION_AUTHFILE);
        own_buf struct buf out = {};
        char registry[REGISTRY_NAME_MAX];
        int r;

        if (args_flag(&inv->args, OPTION_ALL)) {
                r = auth_remove(file, NULL, err);
                buf_add_str(&out, "Removed login credentials for all registries\n");
        } else {
                r = registry_name(inv->args.operands[0], registry, err);
                if (r == 0)
                        r = auth_remove(file, registry, err);
                buf_addf(&out, "Removed login credentials for %s\n", r < 0 ? "" : registry);
        }
        if (r == -ENOENT)
                return error_set(err, ENOENT, "not logged in to %s",
                                 args_flag(&inv->args, OPTION_ALL) ? "any registry" : registry);
        return r < 0 ? r : output_write(&out, err);
}
