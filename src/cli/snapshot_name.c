/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/snapshot_name.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"

int snapshot_name_find(struct engine *e, const char *text, const char *other, struct instance **ret,
                       char **ret_snapshot, struct error *err)
{
        const char *slash = strchr(text, '/');
        own_mem char *name = strndup(text, slash ? (size_t)(slash - text) : strlen(text)), *snapshot = NULL;
        int r;

        if (slash && other)
                return error_set(err, EMISUSED, "%s and %s: one name for the snapshot is enough", text, other);
        if (slash || other) {
                snapshot = strdup(slash ? slash + 1 : other);
                if (!snapshot)
                        return error_set(err, ENOMEM, "out of memory");
        }
        r = name ? instance_find(e, name, ret, err) : error_set(err, ENOMEM, "out of memory");
        if (r == 0)
                *ret_snapshot = take_ptr(snapshot);
        return r;
}
