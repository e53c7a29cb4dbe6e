/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading tar archives as a stream: ustar, pax (POSIX.1-2001) and GNU (long names, base-256 numbers, sparse files of
 * the old format and of pax 0.0, 0.1 and 1.0). One pass, memory bounded by the longest header.
 *
 * Nothing is believed: a header with a wrong sum, a number that does not fit, a name with a NUL, a map that overlaps or
 * a type that we do not know is an error that says where it stands.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum {
        TAR_BLOCK = 512,
        TAR_MAX_PATH = 4096,           /* with the NUL */
        TAR_MAX_HEADER = 1 << 20,      /* a pax header, a long name */
        TAR_MAX_GLOBAL = 8 << 10,      /* a global pax header, which is read again for every entry */
        TAR_MAX_XATTRS = 1024,         /* of one entry: each is compared with all others */
        TAR_MAX_EXTENTS = 1 << 20,     /* of a sparse file */
        TAR_MAX_XATTR_VALUE = 1 << 16, /* XATTR_SIZE_MAX; less one */
};

enum tar_type {
        TAR_FILE,
        TAR_HARD_LINK,
        TAR_SYMLINK,
        TAR_CHARACTER,
        TAR_BLOCK_DEVICE,
        TAR_DIRECTORY,
        TAR_FIFO,
};

struct tar_xattr {
        const char *name; /* "user.mime_type" */
        const void *value;
        size_t len;
};

/* A piece of a sparse file that has data; the rest is holes. */
struct tar_extent {
        uint64_t offset, len;
};

struct tar_entry {
        enum tar_type type;
        const char *path, *link; /* as they stand in the archive; link: of a hard link or symlink, else "" */
        uint32_t mode;           /* the lowest 12 bits */
        uint32_t uid, gid, major, minor;
        int64_t mtime; /* seconds since 1970; may be negative */
        uint32_t mtime_nsec;
        uint64_t size;        /* bytes of data in the archive: those of all extents of a sparse file */
        bool sparse;          /* extents say where they belong */
        uint64_t sparse_size; /* of the file with its holes */
        const struct tar_extent *extents;
        size_t n_extents;
        const struct tar_xattr *xattrs;
        size_t n_xattrs;
};

/* The next piece of the archive, of any length: sets *ret, which lives until the next call, and returns its length; 0
 * only at the end. */
typedef ssize_t (*tar_read)(void *userdata, const void **ret, struct error *err);

/* Told of every byte of the archive that tar_reader_data() does not give out, in order: headers, padding, and data that
 * nobody asked for. Together it is the archive. */
typedef int (*tar_raw)(void *userdata, const void *data, size_t n, struct error *err);

struct tar_reader;

/* raw may be NULL. NULL without memory. */
struct tar_reader *tar_reader_new(tar_read read, tar_raw raw, void *userdata);
void tar_reader_free(struct tar_reader *r);

static inline void tar_reader_free_(struct tar_reader **r)
{
        tar_reader_free(*r);
}
#define own_tar_reader __attribute__((cleanup(tar_reader_free_)))

/* The next entry: 1, 0 at the end of the archive (all of the input is read then), or an error. What *ret points to
 * lives until the next call. */
int tar_reader_next(struct tar_reader *r, struct tar_entry *ret, struct error *err);

/* Some more data of the entry: sets *ret and returns how many bytes stand there, 0 at its end, or an error. */
ssize_t tar_reader_data(struct tar_reader *r, const void **ret, struct error *err);

/* Whether an archive begins with these bytes: a header with the right sum, or a block of zeros. */
bool tar_begins_with(const void *data, size_t n);
