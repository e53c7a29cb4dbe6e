/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "programs/oci/checkpoint_options.h"
#include "programs/oci/log.h"

int cmd_restore(struct invocation *inv, struct error *err)
{
        own_checkpoint_paths struct checkpoint_paths paths = {};
        struct checkpoint_options checkpoint;
        struct container_options options;
        own_mem char *bundle = NULL;
        struct error warning = {};
        int r = checkpoint_options_read(inv, &checkpoint, &paths, err);

        if (r == 0)
                r = invocation_options(inv, &options, &bundle, err);
        if (r == 0)
                r = root_make(&inv->root, err);
        if (r < 0)
                return r;
        checkpoint.lsm_profile = args_str(&inv->args, OPTION_LSM_PROFILE);
        checkpoint.lsm_mount_context = args_str(&inv->args, OPTION_LSM_MOUNT_CONTEXT);
        options.ret_warning = &warning;
        r = container_restore(&options, &checkpoint, &inv->exit_status, err);
        log_warning(inv, &warning);
        return r;
}
