/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/backend.h"

#include <string.h>

#include "base/own.h"

const struct backend *backend_find(const char *name)
{
        static const struct backend *const backends[] = { &backend_container, &backend_vm };

        for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
                if (strcmp(backends[i]->name, name) == 0)
                        return backends[i];
        }
        return NULL;
}
