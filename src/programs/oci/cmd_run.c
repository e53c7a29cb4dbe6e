/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "programs/oci/invocation.h"
#include "programs/oci/log.h"

int cmd_run(struct invocation *inv, struct error *err)
{
        struct error warning = {};
        struct container_options options;
        own_mem char *bundle = NULL;
        int r;

        r = invocation_options(inv, &options, &bundle, err);
        if (r < 0)
                return r;
        r = root_make(&inv->root, err);
        if (r < 0)
                return r;
        options.ret_warning = &warning;
        r = container_run(&options, &inv->exit_status, err);
        log_warning(inv, &warning);
        return r;
}
