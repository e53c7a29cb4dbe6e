/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a copy, where it is: on the host, in an instance's root, or in a guest, whose agent does the same.
 *
 * A path inside an instance is resolved as if the instance's root were "/", by the kernel (openat2), in one go, and
 * what is found is held by a descriptor from then on.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"
#include "store/tar.h"

struct vm_guest;

struct copy_side {
        bool is_host;
        int root;                     /* of the instance */
        const char *path;             /* of the host: as it was typed, of an instance: from its root */
        const struct vm_guest *guest; /* of the instance, in the place of root (vm_copy.h); NULL */
};

struct copy_options {
        bool archive; /* -a: owners and devices are copied to the host, too */
        bool follow;  /* -L: a link is what it leads to */
        bool lenient; /* a user namespace: what may not be made is passed over */
};

/* ---- where it comes from ---- */

struct copy_source {
        int fd; /* O_PATH, of the file itself; -1: it is in a guest */
        bool is_directory, is_device, content;
        char name[NAME_MAX + 1];
};

void copy_source_finish(struct copy_source *s);
#define own_copy_source __attribute__((cleanup(copy_source_finish)))

/* What the path says by itself: name and content; and in ret_path what to open. */
int copy_source_read(const char *path, struct copy_source *ret, char ret_path[PATH_MAX]);
int copy_source_find(const struct copy_side *s, bool follow, struct copy_source *ret, struct error *err);

/* What its name is in an archive: "." for what is in it. */
const char *copy_source_name(const struct copy_source *s);

/* ---- where it goes ---- */

struct copy_target {
        char path[PATH_MAX]; /* no link at its end, unless it leads to a directory */
        bool exists, is_directory;
        bool asserted; /* what was typed says that it is a directory */
};

/* What the path says by itself. */
int copy_target_read(const char *path, struct copy_target *ret);
int copy_target_find(const struct copy_side *s, struct copy_target *ret, struct error *err);

/* "." and ".." stand for what is in a directory. */
bool copy_is_content(const char *path);
/* Behind the last slash. */
const char *copy_last_name(const char *path);
/* "" for the directory that one is in. */
void copy_parent_of(const char *path, char ret[PATH_MAX]);

/*
 * On the host nothing is written outside of the directory base. In an instance links may lead to anywhere in it. only:
 * as in tar_extract.h.
 */
int copy_extract(const struct copy_side *s, const char *base, struct tar_reader *tar, const char *only,
                 const struct copy_options *o, struct error *err);
/* Writes an archive of it, whose names begin with `as`. */
int copy_archive(const struct copy_source *s, const char *as, int to, struct error *err);

/* The bytes of a descriptor, for a tar_reader. */
struct copy_input {
        int fd;
        char data[256 << 10];
};

ssize_t copy_input_read(void *userdata, const void **ret, struct error *err);
