/* SPDX-License-Identifier: Apache-2.0 */
/* What an upper directory of an overlay says that was changed, for `diff`. */
#pragma once

#include "base/error.h"

enum change_kind { CHANGE_MODIFIED = 'C', CHANGE_ADDED = 'A', CHANGE_DELETED = 'D' };

struct changes_options {
        int upper, lower; /* directories: what was written, and the image below it, mounted (layer_mount.h) */
        /*
         * Paths at which something was mounted ("/etc/hosts"), NULL-terminated; NULL. An empty file or directory that
         * is new there has been made to be mounted on, and was no change of anybody's.
         */
        const char *const *mount_points;
};

/*
 * Calls each() with every change, sorted as a tree. A directory is changed if it is itself, or if something in it is.
 * Of what is deleted only the uppermost is told. Ends with the first result that is not 0, and returns it.
 */
int changes_find(const struct changes_options *o,
                 int (*each)(void *userdata, enum change_kind kind, const char *path, struct error *err),
                 void *userdata, struct error *err);
