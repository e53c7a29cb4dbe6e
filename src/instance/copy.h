/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files between an instance and the host, by Docker's rules of what becomes what.
 *
 * A path inside an instance is resolved as if the instance's root were "/", by the kernel (openat2), in one go, and
 * what is found is held by a descriptor from then on. From there files are read and written as tar_tree.h and
 * tar_extract.h say. So programs of the instance may change whatever they like meanwhile: at worst a file of their own
 * is copied to a place of their own.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

/* One side of a copy. */
struct copy_side {
        bool is_host;
        int root;         /* of the instance */
        const char *path; /* of the host: as it was typed, of an instance: from its root */
};

struct copy_options {
        bool archive; /* -a: owners and devices are copied to the host, too */
        bool follow;  /* -L: a link is what it leads to */
        bool lenient; /* a user namespace: what may not be made is passed over */
};

int copy_files(const struct copy_side *from, const struct copy_side *to, const struct copy_options *o,
               struct error *err);

/* To an archive on the descriptor. */
int copy_to_stream(const struct copy_side *from, int to, const struct copy_options *o, struct error *err);

/* From an archive, which may not be compressed, into a directory that is there. */
int copy_from_stream(int from, const struct copy_side *to, const struct copy_options *o, struct error *err);
