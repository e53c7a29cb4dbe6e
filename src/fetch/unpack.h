/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's blob, as it comes from a network or an archive, becomes an EROFS image and a recipe: in one pass, in
 * threads that overlap (digest of the blob and inflating; digest of the archive; parsing and writing), with bounded
 * memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"

struct unpack_options {
        int image_fd, recipe_fd;      /* empty files, open for reading and writing; they stay the caller's */
        const struct digest *blob;    /* what the blob must be, or NULL */
        const struct digest *diff_id; /* what the archive must be, or NULL */
        uint64_t blob_size;           /* likewise, in bytes; UINT64_MAX: not known */
        uint64_t max_tar_size;        /* a bomb ends here, one of unknown size by inflate_most(); 0: no limit */
        bool portable;                /* by zlib even where there is isa-l */
};

struct unpack_result {
        struct digest blob, diff_id;
        uint64_t blob_size, tar_size, image_size;
        enum compression compression; /* found by the first bytes, whatever the media type said */
};

struct unpack;

struct unpack *unpack_start(const struct unpack_options *o, struct error *err);

/* Takes n bytes; waits while the threads are busy. An error of any thread is returned as soon as it is known. */
int unpack_write(struct unpack *u, const void *data, size_t n, struct error *err);

/* The blob is complete: waits for the threads; frees u. -EBADMSG when a digest or a size is not what was promised. */
int unpack_end(struct unpack *u, struct unpack_result *ret, struct error *err);

/* Ends everything; frees u. NULL is nothing to do. */
void unpack_abort(struct unpack *u);
