/* SPDX-License-Identifier: Apache-2.0 */
/* holt.conf: what is taken has sense, what is not is told of. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "instance/holt_conf.h"
#include "instance/vm_pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct holt_conf c = { .vm_pool = UINT32_MAX };
        struct error err = {};

        if (holt_conf_parse("fuzz", (const char *)data, size, &c, &err) < 0) {
                require(strncmp(err.text, "fuzz:", 5) == 0 && c.vm_pool == UINT32_MAX);
                return 0;
        }
        require(c.vm_pool <= VM_POOL_MAX && c.vm_template_limit <= INT64_MAX);
        return 0;
}
