/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the tar reader: one header block, and the records of a pax header. */
#pragma once

#include "base/arena.h"
#include "store/tar.h"

/* A header block (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format"). */
struct tar_header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[8];
        char uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");

/* The tail of the old GNU format, in the place of prefix. */
struct tar_gnu_piece {
        char offset[12], len[12];
};
struct tar_gnu_tail {
        char atime[12], ctime[12], volume_offset[12], longnames[4], unused;
        struct tar_gnu_piece pieces[4];
        char is_extended, real_size[12], pad[17];
};
struct tar_gnu_extension {
        struct tar_gnu_piece pieces[21];
        char is_extended, pad[7];
};
_Static_assert(sizeof(struct tar_gnu_tail) == 167 && sizeof(struct tar_gnu_extension) == TAR_BLOCK, "as GNU has it");

/* What an entry is made of while its headers are read. Strings live in the arena. */
struct tar_draft {
        struct arena *arena;
        struct tar_entry e;
        const char *sparse_name;
        uint64_t real_size;
        int sparse_major, sparse_minor; /* pax; -1: none */
        bool has_real_size, has_path, has_link, has_size, has_uid, has_gid, has_mtime;
        struct tar_extent *extents;
        struct tar_xattr *xattrs;
        size_t n_extents, n_xattrs, extents_cap, xattrs_cap;
};

bool tar_header_is_zero(const struct tar_header *h);
/* Its sum, of signed or unsigned bytes as old programs had it. */
bool tar_header_sum_is_right(const struct tar_header *h);
/* Octal, or base-256 with the first bit set; -EINVAL, -ERANGE. */
int tar_number(const char *field, size_t len, int64_t *ret);

/* Fills what the draft has not from a pax header. */
int tar_header_take(const struct tar_header *h, struct tar_draft *d, struct error *err);

/* Takes the records "LEN KEY=VALUE\n". `text` is cut to pieces and has to live as long as the draft. */
int tar_pax_take(char *text, size_t len, struct tar_draft *d, struct error *err);

/* Adds a piece of a sparse file; -EFBIG, -ENOMEM. */
int tar_draft_add_extent(struct tar_draft *d, uint64_t offset, uint64_t len);
