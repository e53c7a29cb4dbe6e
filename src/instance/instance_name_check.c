/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "instance/instance_name.h"

int instance_name_check(const char *name, struct error *err)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
        size_t n = strspn(name, letters);

        if (name[n] || n < 2 || n >= INSTANCE_ID_LEN || strchr("_.-", name[0]))
                return error_set(err, EINVAL, "\"%s\" is no name for an instance: 2 to 63 of [a-zA-Z0-9_.-]", name);
        return 0;
}
