/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive becomes files, in a tree that may belong to a stranger who changes it meanwhile: every path is resolved as
 * if the root were "/" (openat2, RESOLVE_IN_ROOT), everything else is done by descriptors of directories and bare
 * names, and no file that is there is opened. So nothing outside of the root can be reached, whatever archive and tree
 * say (what CVE-2018-15664 and CVE-2019-14271 were about).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/tar.h"

struct tar_extract_options {
        int root;         /* the caller's */
        const char *base; /* the directory in it that the names begin from; it has to be there */
        bool chown;       /* all of it belongs to uid and gid, whatever the archive says */
        uint32_t uid, gid;
        bool root_attributes; /* the entry of the base itself says what it shall be like; else it stays as it is */
        bool plain;           /* no devices, setuid, setgid, capabilities: for files that came from strangers */
        /*
         * The archive is a stranger's, who was asked for one tree: entries have this name or are below it ("": any), and
         * so are those that hard links lead to. No directory on their way may be a link, be it of the archive or there
         * before. -EPERM, -ELOOP. NULL: the archive is ours.
         */
        const char *only;
        bool lenient; /* what may not be made (owners, devices, attributes) is passed over: user namespaces */
};

/*
 * Extracts all entries. What has the name of one gives place to it, but neither does a directory to anything else nor
 * anything else to a directory (-EISDIR, -ENOTDIR). A file that is there stays whole until the new one is.
 */
int tar_extract(struct tar_reader *tar, const struct tar_extract_options *o, struct error *err);
