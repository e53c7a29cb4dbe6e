/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer as files and directories, as overlayfs wants them below an upper directory ("userxattr"): for who may mount
 * no EROFS, the root of a user namespace above all. What he may not make becomes something else:
 *
 *   owners     that have no id here: the file stays his who unpacks it
 *   devices    are left out, and hidden as if they were deleted (whiteouts alone may be made everywhere)
 *   xattrs     trusted.overlay.opaque is user.overlay.opaque; nothing else of trusted. and user.overlay. comes along;
 * of the rest, what the kernel or the file system takes
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct layer_unpack_result {
        uint64_t owners, devices, xattrs; /* not as in the layer; of devices those that are not below /dev */
        uint64_t bytes;                   /* on the disk, about */
};

/*
 * Unpacks the image into the directory, which is empty and becomes the layer's root, owner and mode included; nobody
 * else may change anything in it meanwhile. links: an empty directory of the same file system, which stays so.
 * -EBADMSG: the image is damaged.
 */
int layer_unpack(int image_fd, int dir, int links, struct layer_unpack_result *ret, struct error *err);
