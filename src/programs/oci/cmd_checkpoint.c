/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "programs/oci/invocation.h"

int cmd_checkpoint(struct invocation *inv, struct error *err)
{
        return error_set(err, ENOTSUP, "checkpoint %s: not supported", inv->id);
}
