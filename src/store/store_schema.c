/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "store/store_private.h"

/*
 * image_layer names layers that may be missing (after damage): the image is then known for what it was, and is whole
 * again when the layer comes. A repository's digests are names that a registry has given. boot: of layer and blob, see
 * store_files.c.
 */
static const char version_1[] =
        "CREATE TABLE layer(diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, recipe_size INTEGER NOT NULL,"
        " tar_size INTEGER NOT NULL, boot TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE layer_blob(diff_id TEXT NOT NULL REFERENCES layer ON DELETE CASCADE, digest TEXT NOT NULL,"
        " source TEXT NOT NULL, size INTEGER NOT NULL, compression INTEGER NOT NULL, ours INTEGER NOT NULL,"
        " PRIMARY KEY(diff_id, digest, source)) WITHOUT ROWID;"
        "CREATE TABLE blob(digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL,"
        " boot TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE image(id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created INTEGER NOT NULL,"
        " added INTEGER NOT NULL, os TEXT NOT NULL, architecture TEXT NOT NULL, variant TEXT NOT NULL,"
        " os_version TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE image_layer(image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, position INTEGER NOT NULL,"
        " diff_id TEXT NOT NULL, PRIMARY KEY(image, position)) WITHOUT ROWID;"
        "CREATE INDEX image_layer_diff_id ON image_layer(diff_id);"
        "CREATE TABLE image_manifest(image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, digest TEXT NOT NULL,"
        " PRIMARY KEY(image, digest)) WITHOUT ROWID;"
        "CREATE INDEX image_manifest_digest ON image_manifest(digest);"
        "CREATE TABLE name(name TEXT PRIMARY KEY, repository TEXT NOT NULL,"
        " image TEXT NOT NULL REFERENCES image ON DELETE CASCADE) WITHOUT ROWID;"
        "CREATE INDEX name_image ON name(image);"
        "CREATE TABLE repository_digest(repository TEXT NOT NULL, digest TEXT NOT NULL,"
        " image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, PRIMARY KEY(repository, digest, image))"
        " WITHOUT ROWID;"
        "CREATE INDEX repository_digest_image ON repository_digest(image);"
        "CREATE TABLE image_owner(owner TEXT NOT NULL, image TEXT NOT NULL REFERENCES image,"
        " PRIMARY KEY(owner, image)) WITHOUT ROWID;"
        "CREATE INDEX image_owner_image ON image_owner(image);"
        "PRAGMA user_version = 1";

enum { VERSION = 1 };

int schema_check(struct database *d, struct error *err)
{
        int64_t version = 0;
        int r = database_version(d, &version, err);

        if (r < 0)
                return r;
        if (version > VERSION)
                return error_set(err, ENOTSUP,
                                 "the store was changed by a newer holt (its database has version %lld, this program "
                                 "knows %d)",
                                 (long long)version, VERSION);
        return version < VERSION;
}

int schema_make(struct database *d, struct error *err)
{
        return database_script(d, version_1, err);
}
