/* SPDX-License-Identifier: Apache-2.0 */
/* Files have the digests of their content for names; which of them are images, the manifests among them say. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/store_private.h"

/* Opens a file that has surely reached the disk; -ENOENT for another. */
static int open_synced(struct store *s, const char *path, int64_t *ret_size)
{
        own_fd int fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mode & S_IWUSR)
                return -ENOENT;
        *ret_size = st.st_size;
        return take_fd(&fd);
}

static int enter_layer(struct store *s, const char *directory, const char *name, void *userdata, struct error *err)
{
        own_fd int image = -1, recipe = -1;
        int64_t size = 0, recipe_size = 0;
        char path[FILE_PATH_SIZE];
        struct digest d;
        int r;

        if (!file_digest(name, strlen(name), &d))
                return 0;
        file_path(FILE_LAYER, &d, path);
        image = open_synced(s, path, &size);
        if (image < 0 || !layer_looks_whole(image))
                return 0;
        file_path(FILE_RECIPE, &d, path);
        recipe = open_synced(s, path, &recipe_size);
        if (recipe < 0)
                recipe_size = 0;
        r = database_run(&s->database, err,
                         "INSERT INTO layer(diff_id, size, recipe_size, tar_size, boot) VALUES(?1, ?2, ?3, 0, '')",
                         "dii", &d, size, recipe_size);
        return r < 0 ? r : 0;
}

struct digest_list {
        struct digest *digests;
        size_t n, cap;
};

static int enter_blob(struct store *s, const char *directory, const char *name, void *userdata, struct error *err)
{
        struct digest_list *blobs = userdata;
        char path[FILE_PATH_SIZE];
        own_fd int fd = -1;
        int64_t size = 0;
        struct digest d;
        int r;

        if (!file_digest(name, strlen(name), &d))
                return 0;
        file_path(FILE_BLOB, &d, path);
        fd = open_synced(s, path, &size);
        if (fd < 0 || size > MANIFEST_MAX)
                return 0;
        if (array_grow(&blobs->digests, &blobs->cap, blobs->n + 1, sizeof d) < 0)
                return error_set(err, ENOMEM, "out of memory");
        blobs->digests[blobs->n++] = d;
        r = database_run(&s->database, err, "INSERT INTO blob(digest, media_type, size, boot) VALUES(?1, '', ?2, '')",
                         "di", &d, size);
        return r < 0 ? r : 0;
}

/* What is no manifest, or lacks something, is no image. */
static int enter_image(struct store *s, const struct digest *d, struct error *err)
{
        own_buf struct buf text = {};
        struct digest id;
        int r = store_blob_read(s, d, &text, err);

        if (r == 0 && image_document_kind(buf_str(&text), text.len, NULL) == MEDIA_MANIFEST)
                r = image_enter(s, d, &id, err);
        return r == -ENOENT || r == -EINVAL || r == -EBADMSG || r == -EFBIG ? 0 : r;
}

static int enter_images(struct store *s, const struct digest_list *blobs, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < blobs->n && r == 0; i++)
                r = enter_image(s, &blobs->digests[i], err);
        return r;
}

int rebuild_from_files(struct store *s, struct error *err)
{
        struct digest_list blobs = {};
        int r = file_each(s, "layers", enter_layer, NULL, err);

        if (r == 0)
                r = file_each(s, "blobs/sha256", enter_blob, &blobs, err);
        if (r == 0)
                r = file_each(s, "blobs/sha512", enter_blob, &blobs, err);
        if (r == 0)
                r = enter_images(s, &blobs, err);
        free(blobs.digests);
        return r == 0 ? names_copy_read(s, err) : r;
}
