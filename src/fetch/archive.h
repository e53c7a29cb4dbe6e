/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to archive*.c: what an archive of images has in it, by name. Documents are kept in memory; what looks like a
 * layer has become one, though nobody may want it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "fetch/host.h"
#include "fetch/unpack.h"
#include "oci/digest.h"
#include "oci/image_manifest.h"

enum {
        ARCHIVE_MAX_DOCUMENT = MANIFEST_MAX, /* bytes of one */
        ARCHIVE_MAX_TEXT = 32 << 20,         /* bytes of all documents and names */
        ARCHIVE_MAX_ENTRIES = 20000,
        ARCHIVE_MAX_LAYERS = 2 * MANIFEST_MAX_LAYERS, /* each is two open files */
};

struct archive_layer {
        struct digest diff_id, blob; /* "": not known, as the blob was not read */
        uint64_t tar_size, blob_size;
        enum compression compression;
        int image, recipe;    /* -1: the store has it */
        struct error failure; /* code 0: none */
};

void archive_layer_finish(struct archive_layer *l);
#define own_archive_layer __attribute__((cleanup(archive_layer_finish)))

enum archive_kind { ARCHIVE_OTHER, ARCHIVE_DOCUMENT, ARCHIVE_LAYER, ARCHIVE_ALIAS };

struct archive_entry {
        char *name; /* without "./" and the like */
        enum archive_kind kind;
        char *text; /* a document's, or the name that an alias stands for */
        size_t len;
        struct archive_layer layer;
};

struct archive {
        struct host *host;
        int directory; /* >= 0: what is not in entries is looked for here */
        struct archive_entry *entries;
        size_t n_entries, cap, n_layers, text_bytes;
};

void archive_init(struct archive *a, struct host *h, int directory);
void archive_finish(struct archive *a);
#define own_archive __attribute__((cleanup(archive_finish)))

/* What a name says that a program wrote into an archive: no "." and "..", no slashes but between names. malloc'ed; NULL
 * without memory. `from`: a name beside which it stands, or NULL. */
char *archive_name(const char *from, const char *name);

/* Adds an entry, or empties the one of that name. NULL: out of bounds or memory; it lives until the next call. */
struct archive_entry *archive_add(struct archive *a, const char *name, enum archive_kind kind, struct error *err);
/* Reserves a document's bytes, and one more for a NUL. */
int archive_add_text(struct archive *a, struct archive_entry *e, size_t len, struct error *err);

/* What the name stands for in the end, or NULL. */
struct archive_entry *archive_find(const struct archive *a, const char *name);

/* A document's text: 1, or 0 when there is none of that name. It lives as long as the archive. */
int archive_document(struct archive *a, const char *name, const char **ret, size_t *ret_len, struct error *err);

struct archive_wanted {
        const struct digest *diff_id; /* of the layer */
        const struct digest *blob;    /* NULL: whatever it is */
        uint64_t blob_size;           /* UINT64_MAX: likewise */
};

/* The layer of that name, which is what is wanted. *ret lives until the next call. -ENOENT. */
int archive_layer(struct archive *a, const char *name, const struct archive_wanted *w, struct archive_layer **ret,
                  struct error *err);

/* --- archive_unpack.c --- */

/* A layer that is being made of an entry; progress is told under its id. */
struct archive_unpack {
        struct host *host;
        struct unpack *unpack; /* NULL: it has failed */
        const char *id;
        uint64_t done, total;
};

/* Errors of the entry itself are kept in ret->failure; those that spoil all others are returned. */
int archive_unpack_begin(struct archive_unpack *u, struct host *h, const char *id, uint64_t size,
                         const struct archive_wanted *w, struct archive_layer *ret, struct error *err);
int archive_unpack_write(struct archive_unpack *u, const void *data, size_t n, struct archive_layer *ret,
                         struct error *err);
int archive_unpack_end(struct archive_unpack *u, struct archive_layer *ret, struct error *err);

/* --- archive_layer.c --- */

/* What a descriptor gives, no more than max bytes of it, becomes a layer of the store. */
int archive_add_layer(struct host *h, int input, uint64_t max, struct archive_layer *ret, struct error *err);

/* --- archive_stream.c, archive_directory.c --- */

/* Reads an archive of images from a descriptor, in one pass. */
int archive_read_stream(struct archive *a, int input, struct error *err);

/* Adds the entry of that name from a->directory, where there is one: a layer when w is given, else a document. */
int archive_read_file(struct archive *a, const char *name, const struct archive_wanted *w, struct error *err);
