/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: layers, blobs, images and their names.
 *
 *   ROOT/holt.db               what there is (SQLite, WAL)
 *   ROOT/blobs/sha256/HEX      manifests and configurations, byte for byte
 *   ROOT/layers/HEX            the EROFS image of the layer whose archive has this digest (its diff_id)
 *   ROOT/layers/HEX.recipe     how to make the archive again (tar_recipe.h)
 *   ROOT/names.json            the images' names once more, should the database be lost
 *   ROOT/unpacked/             layers as directories, for who may not mount them (layer_unpacked.h)
 *   ROOT/tmp/                  new files, where the file system knows no O_TMPFILE
 *   ROOT/reserve               room for the removal of something when the disk is full
 *   RUN/layers/HEX             where the layer is mounted, once, for all who use it (layer_mount.h)
 *
 * A file is complete before it gets its name (O_TMPFILE, linkat), and has its name before the database knows it; it
 * leaves the database before it loses its name. So whatever dies between leaves at most a file that nobody knows, which
 * the next collection takes. A layer is pinned by a shared lock (flock) on its file: the kernel gives it back, however
 * the holder ends. Removal takes the exclusive lock first, and passes over what is pinned.
 *
 * Nothing waits for layers to reach the disk: that is begun when an image is complete, and goes on in a process of its
 * own. What may not have been there when the power failed is taken for missing, and is as good as new when it comes
 * again (store_files.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/digest.h"
#include "oci/image_config.h"
#include "oci/image_manifest.h"
#include "oci/reference.h"

struct store;

/*
 * Opens or makes the store; for one thread at a time, and not for both sides of a fork(). root, run: NULL for the
 * default: /var/lib/holt and /run/holt, for others than root $XDG_DATA_HOME/holt and $XDG_RUNTIME_DIR/holt. Repairs
 * what a killed process left, if anything.
 */
int store_open(const char *root, const char *run, struct store **ret, struct error *err);
void store_close(struct store *s);

static inline void store_close_(struct store **s)
{
        store_close(*s);
}
#define own_store __attribute__((cleanup(store_close_)))

/* Where that is, without opening it; *ret_root and *ret_run are malloc'ed. */
int store_places(const char *root, const char *run, char **ret_root, char **ret_run, struct error *err);

const char *store_root(const struct store *s);
const char *store_run(const struct store *s);

/* An empty file without a name in the store's file system, open for reading and writing. */
int store_new_file(struct store *s, struct error *err);

/* --- blobs: small documents --- */

/* Gives the file its name; one that is there already is as good. The digest must have been checked. The blob stays
 * until an image has it or the store is closed. */
int store_blob_add(struct store *s, const struct digest *d, const char *media_type, int fd, struct error *err);
/* Appends the content. -ENOENT. */
int store_blob_read(struct store *s, const struct digest *d, struct buf *ret, struct error *err);

/* --- layers --- */

struct layer_info {
        struct digest diff_id;
        uint64_t size;        /* of the EROFS image */
        uint64_t recipe_size; /* 0: none */
        uint64_t tar_size;    /* 0: not known (any more) */
};

/* Gives image and recipe (-1: none) their names, and pins the layer: returns its descriptor as store_layer_open(). One
 * that is there already is as good. The files come from store_new_file(), and stay the caller's; of *info, sizes are
 * looked up. */
int store_layer_add(struct store *s, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err);

/*
 * A read-only descriptor of the EROFS image; the layer stays as long as it (or a copy of it) is open. *ret_info and
 * *ret_recipe (a descriptor, -1 without a recipe) may be NULL. -ENOENT: no such layer.
 */
int store_layer_open(struct store *s, const struct digest *diff_id, struct layer_info *ret_info, int *ret_recipe,
                     struct error *err);

/* The layer is damaged: it goes, so that it comes again when an image that has it is pulled. -EBUSY: it is in use. */
int store_layer_forget(struct store *s, const struct digest *diff_id, struct error *err);

/* A compressed form of a layer that is known: what a registry has, or we have made. */
struct layer_blob {
        struct digest diff_id, digest;
        uint64_t size;
        enum compression compression;
        bool ours;        /* made by us: doing it again gives the same bytes */
        char source[512]; /* "registry/repository" that has it, or "" */
};

int store_layer_blob_add(struct store *s, const struct layer_blob *b, struct error *err);
/* Calls each() until it returns non-zero; returns that, or 0. */
int store_layer_blobs(struct store *s, const struct digest *diff_id,
                      int (*each)(void *userdata, const struct layer_blob *b), void *userdata, struct error *err);

/* --- images: an id is the digest of the configuration --- */

struct image_info {
        struct digest id;
        struct digest manifest; /* the newest that was pulled, pushed or made for it */
        uint64_t size;          /* of its layers' EROFS images and recipes */
        int64_t created;        /* seconds since 1970, of the configuration; 0: not said */
        int64_t added;          /* when it came here */
        size_t n_layers;
        struct platform platform;
        const char *const *names;      /* "docker.io/library/debian:12", NULL-terminated, sorted */
        const char *const *digests;    /* "docker.io/library/debian@sha256:...", likewise */
        const struct digest *diff_ids; /* n_layers of them, lowest first */
};

/*
 * An image whose blobs (manifest and configuration) and layers are there; name: its full reference or NULL. An image
 * that had the name loses it. One transaction.
 */
int store_image_add(struct store *s, const struct digest *manifest, const struct reference *name, struct error *err);
/* The same, held by an owner from the start on. NULL: by none yet; then it is on the disk only when it is held, with
 * all before it. */
int store_image_add_for(struct store *s, const struct digest *manifest, const struct reference *name, const char *owner,
                        struct error *err);

/*
 * Finds an image by a name (short names get Docker's registry and tag), by name and digest, by id, or by the first
 * digits of an id (at least one; -EEXIST when several fit). -ENOENT: "no such image: X". *ret_image is malloc'ed in one
 * piece: free() it.
 */
int store_image_find(struct store *s, const char *name, struct image_info **ret_image, struct error *err);

/* All images, newest first; *info lives during the call. Non-zero from each() ends it and is returned. */
int store_images(struct store *s, int (*each)(void *userdata, const struct image_info *info), void *userdata,
                 struct error *err);

/* Gives the image one more name; another image loses it. */
int store_image_tag(struct store *s, const struct digest *id, const struct reference *name, struct error *err);

/* Takes the name away; the image stays. A name with a digest: that of the repository's. -ENOENT. */
int store_image_untag(struct store *s, const struct reference *name, struct error *err);

/* Takes the name away, and removes the image if it was its last one, as store_image_remove(): what `rmi NAME` does. */
int store_image_remove_name(struct store *s, const struct reference *name, bool *ret_removed, struct error *err);

/* Removes the image with all its names. -EBUSY when a layer that only it has is pinned, or an owner uses it. */
int store_image_remove(struct store *s, const struct digest *id, struct error *err);

/*
 * From here on names and images are removed for show: each removal sees what those before it did, fails as it would,
 * and all is there again when the store is closed. Until then no other process changes the store.
 */
int store_rehearse(struct store *s, struct error *err);
bool store_is_rehearsed(const struct store *s);

/* The owner (an instance) needs the image, also while nothing of it runs; more than one image each is fine. */
int store_image_hold(struct store *s, const struct digest *id, const char *owner, struct error *err);
/* The same, and none of those that it needed before. */
int store_image_hold_only(struct store *s, const struct digest *id, const char *owner, struct error *err);
/* All who need it. Ends with the first result that is not 0. */
int store_image_owners(struct store *s, const struct digest *id, int (*each)(void *userdata, const char *owner),
                       void *userdata, struct error *err);
/* It needs none any more, and neither does what it is the owner of: "OWNER/...", its snapshots. */
int store_image_release(struct store *s, const char *owner, struct error *err);

/* --- clean-up --- */

struct store_collected {
        uint64_t layers, blobs, files; /* files: that nobody knew */
        uint64_t bytes;
};

/* Removes the layers and blobs that no image has, and files that nobody knows; passes over what is pinned. */
int store_collect(struct store *s, struct store_collected *ret, struct error *err);

struct store_usage {
        uint64_t images, layers, blobs, names, dangling_images; /* numbers of */
        uint64_t layer_bytes, blob_bytes;
        uint64_t reclaimable_bytes; /* of images without a name, and what only they have */
        uint64_t pinned_layers;
        uint64_t unpacked_layers, unpacked_bytes; /* as directories, for who may not mount them */
};

int store_usage(struct store *s, struct store_usage *ret, struct error *err);

/*
 * Looks through everything: database, files that miss or are too much, sizes. Each finding is one call of found() with
 * a sentence; repaired says that it was put right (with `repair`). verify: also called for each layer that is whole, to
 * check its content (the digest of its archive), 0 or -EBADMSG; NULL: not wanted. Returns the number of findings that
 * are left. -EUCLEAN: it is the database itself that is damaged; store_rebuild() helps.
 */
struct store_checker {
        bool repair;
        void (*found)(void *userdata, const char *what, bool repaired);
        int (*verify)(void *userdata, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err);
        void *userdata;
};

int store_check(struct store *s, const struct store_checker *c, struct error *err);

/*
 * Sets a database aside that is damaged (store_open() and others say -EUCLEAN) as ROOT/holt.db.damaged, and makes a new
 * one from the files: layers, images and their names are found again, but not what is known of compressed forms, and
 * who holds what. -EBUSY: another process has the store open. A database that is missing is made so by store_open().
 */
int store_rebuild(const char *root, const char *run, struct error *err);
