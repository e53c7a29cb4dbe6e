/* SPDX-License-Identifier: Apache-2.0 */
/* What the store's own files share. */
#pragma once

#include <sys/stat.h>

#include "store/database.h"
#include "store/store.h"
#include "store/store_later.h"

enum { BOOT_SIZE = 40 };

/* Keeps a blob from being collected until an image has it. */
struct blob_pin {
        struct digest digest;
        int fd;
};

struct store {
        char *root, *run;
        int root_fd; /* with a shared lock: whoever replaces the database has it alone */
        struct database database;
        char boot[BOOT_SIZE]; /* store_boot() */
        struct later later;
        bool reserve_wanted; /* to be made when the store is closed */
        bool reserve_used;
        struct blob_pin *pins;
        size_t n_pins, cap_pins;
};

/* --- store.c --- */

/* The kernel's name for the time since it was started, or "". */
const char *store_boot(struct store *s);

/* --- store_schema.c: what is in the database --- */

/* 0: the database is as this program wants it; 1: it has to be made; -ENOTSUP: it is of a newer one. */
int schema_check(struct database *d, struct error *err);
/* In the caller's transaction. */
int schema_make(struct database *d, struct error *err);

/* --- store_files.c: files below ROOT --- */

enum { FILE_PATH_SIZE = 160 };

enum file_kind { FILE_LAYER, FILE_RECIPE, FILE_BLOB };

void file_path(enum file_kind kind, const struct digest *d, char ret[FILE_PATH_SIZE]);

/* The digest whose digits are the file's name. */
bool file_digest(const char *name, size_t len, struct digest *ret);

/* Why a file is as good as none. */
enum file_state {
        FILE_GOOD,
        FILE_ABSENT,
        FILE_WRONG_SIZE,
        FILE_UNCERTAIN, /* it was not yet on the disk when the machine went down */
};

/* The file of that name now. boot: when it was added. */
enum file_state file_look(struct store *s, const char *path, uint64_t size, const char *boot);
/* The same of what fstat() said. */
enum file_state file_judge(struct store *s, const struct stat *st, uint64_t size, const char *boot);
const char *file_state_text(enum file_state state);

/*
 * Whether a file is on the disk shows in its mode: it loses its owner's right to write when it has been synced, which
 * can only be seen after a power failure if what was synced before it is there, too.
 */
#define FILE_MODE_NEW 0600
#define FILE_MODE_SYNCED 0400

/* A regular file of the store without a name of its own yet; its size, or an error. */
int64_t file_size(int fd, struct error *err);

/* Gives the file that name, and takes it from any other. Only in a transaction that changes. */
int file_publish(struct store *s, int fd, const char *path, struct error *err);

/* Opens and locks it, and makes sure that it still has that name then. operation: LOCK_SH, waits; LOCK_EX | LOCK_NB:
 * only in a transaction that changes. -ENOENT; -EBUSY. */
int file_lock(struct store *s, const char *path, int operation, struct error *err);

/* -ENOENT is no error. What frees a large file takes long, and is done later. Returns its size on the disk. */
int64_t file_unlink(struct store *s, const char *path, struct error *err);

/* Calls each() for the names in a directory below ROOT, without those that begin with a dot. */
int file_each(struct store *s, const char *directory,
              int (*each)(struct store *s, const char *directory, const char *name, void *userdata, struct error *err),
              void *userdata, struct error *err);

/* --- store_owners.c --- */

/* In a transaction that changes. -ENOENT. */
int image_hold(struct store *s, const struct digest *id, const char *owner, struct error *err);

/* --- store_blobs.c --- */

/* Whether its row and file are there and good; in a transaction. 1, 0 or an error. */
int blob_is_good(struct store *s, const struct digest *d, struct error *err);

/* The blobs are in an image now. */
void blob_unpin(struct store *s, const struct digest *d);
void blob_unpin_all(struct store *s);

/* --- store_layers.c --- */

/* Whether the layer's row and file are there and good; in a transaction. 1, 0 or an error; *ret_state may be NULL. */
int layer_is_good(struct store *s, const struct digest *diff_id, enum file_state *ret_state, struct error *err);

/* Whether it begins as an EROFS image does that has all its blocks. */
bool layer_looks_whole(int image_fd);

/* --- store_image_info.c --- */

/* In a transaction. -ENOENT. */
int image_info_load(struct store *s, const struct digest *id, struct image_info **ret, struct error *err);

/* --- store_image_add.c --- */

/* In a transaction that changes: enters the image of this manifest; *ret_id: its id. added: the time, or 0 for now. */
int image_enter(struct store *s, const struct digest *manifest, struct digest *ret_id, struct error *err);

/* --- store_names.c --- */

/* In a transaction that changes. */
int name_give(struct store *s, const struct digest *id, const struct reference *name, struct error *err);
int digest_name_give(struct store *s, const struct digest *id, const char *repository, const struct digest *d,
                     struct error *err);

/* Takes it away from the image that has it, with the digests of its repository if it was the last tag there. -ENOENT.
 */
int name_take(struct store *s, const struct reference *name, struct digest *ret_id, struct error *err);

/* --- store_names_copy.c: ROOT/names.json, for the day when the database is damaged --- */

/* Writes all names, in the transaction that changed them. That it fails is no reason for anything else to fail. */
void names_copy_write(struct store *s);
/* Gives the images that are there the names that they have in the copy; in a transaction that changes. */
int names_copy_read(struct store *s, struct error *err);

/* --- store_rebuild.c --- */

/* In a transaction that changes, on an empty database: enters what is found in ROOT. */
int rebuild_from_files(struct store *s, struct error *err);

/* --- store_remove.c: rows first, then files --- */

struct removal_file {
        struct digest digest;
        enum file_kind kind;
        int lock; /* of its own file, exclusive; -1: there is no file */
};

struct removal {
        struct removal_file *files;
        size_t n, cap;
        struct store_collected done;
};

/* 1, 0 or an error. kind: FILE_LAYER or FILE_BLOB. */
int removal_has_row(struct store *s, enum file_kind kind, const struct digest *d, struct error *err);
/* In a transaction that changes: locks the file and deletes its row. kind: FILE_LAYER or FILE_BLOB. -EBUSY: pinned. */
int removal_add(struct store *s, struct removal *m, enum file_kind kind, const struct digest *d, struct error *err);
/* When that is committed: the files go, unless somebody has entered them again. */
int removal_finish_files(struct store *s, struct removal *m, struct error *err);
/* Takes the mount of a layer away that is removed or replaced, and the directory that it is unpacked in, if there are
 * any; of the latter the name, which is enough for others. */
int layer_detach(struct store *s, const struct digest *diff_id, struct error *err);
/* Gives back the locks. */
void removal_end(struct removal *m);

/* --- store_reserve.c: a little room for changes that make room --- */

/* Makes it if it is not there; does what it can. */
void reserve_make(struct store *s);
/* Gives the room back; false: there was none. */
bool reserve_use(struct store *s);
