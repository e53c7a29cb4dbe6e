/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/features.h"
#include "programs/oci/invocation.h"

int cmd_features(struct invocation *inv, struct error *err)
{
        own_buf struct buf text = {};
        int r = features_write(&text, err);

        (void)inv;
        return r < 0 ? r : output_write(&text, err);
}
