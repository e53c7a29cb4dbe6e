/* SPDX-License-Identifier: Apache-2.0 */
/* passwd(5), by itself: getpwuid(3) loads modules, which a static program cannot, and asks the host's for an image's.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct passwd_entry {
        const char *name, *home; /* in `line`; may be "" */
        char line[1024];
};

/*
 * The first entry of the file with that uid, among those that fit `line`. Nobody has one where the file is missing, no
 * regular file or over 16 MiB: it may be an image's. *ret is overwritten in any case.
 */
bool passwd_find(const char *path, uid_t uid, struct passwd_entry *ret);
