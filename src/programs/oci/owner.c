/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/oci/owner.h"

#include <stdio.h>

#include "sys/passwd.h"

void owner_name(uid_t uid, char ret[OWNER_NAME_MAX])
{
        struct passwd_entry e;

        if (passwd_find("/etc/passwd", uid, &e) && *e.name)
                snprintf(ret, OWNER_NAME_MAX, "%s", e.name);
        else
                snprintf(ret, OWNER_NAME_MAX, "#%u", uid);
}
