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

/* How many there were that are not as in the layer; of devices those that are not below /dev. */
struct layer_unpack_losses {
        uint64_t owners, devices, xattrs;
};

/*
 * Unpacks the image into the directory, which is empty and becomes the layer's root, owner and mode included; nobody
 * else may change anything in it meanwhile. links: an empty directory of the same file system, which stays so.
 * -EBADMSG: the image is damaged.
 */
int layer_unpack(int image_fd, int dir, int links, struct layer_unpack_losses *ret, struct error *err);
