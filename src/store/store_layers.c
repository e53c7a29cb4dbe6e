/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "store/erofs_format.h"
#include "store/store_private.h"

struct layer_row {
        struct layer_info info;
        char boot[BOOT_SIZE];
};

static int row_find(struct store *s, const struct digest *diff_id, struct layer_row *ret, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err,
                            "SELECT size, recipe_size, tar_size, boot FROM layer WHERE diff_id = ?1", "d", diff_id);

        if (r == 0)
                r = query_next(&q, err);
        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, ENOENT, "no such layer: %s", diff_id->text);
        *ret = (struct layer_row){ .info.diff_id = *diff_id,
                                   .info.size = (uint64_t)query_number(&q, 0),
                                   .info.recipe_size = (uint64_t)query_number(&q, 1),
                                   .info.tar_size = (uint64_t)query_number(&q, 2) };
        snprintf(ret->boot, sizeof ret->boot, "%s", query_text(&q, 3));
        return 0;
}

static enum file_state row_judge(struct store *s, const struct layer_row *row)
{
        char path[FILE_PATH_SIZE];
        enum file_state state;

        file_path(FILE_LAYER, &row->info.diff_id, path);
        state = file_look(s, path, row->info.size, row->boot);
        if (state != FILE_GOOD || !row->info.recipe_size)
                return state;
        file_path(FILE_RECIPE, &row->info.diff_id, path);
        return file_look(s, path, row->info.recipe_size, row->boot);
}

int layer_is_good(struct store *s, const struct digest *diff_id, enum file_state *ret_state, struct error *err)
{
        enum file_state state = FILE_ABSENT;
        struct layer_row row;
        int r = row_find(s, diff_id, &row, err);

        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0)
                state = row_judge(s, &row);
        if (ret_state)
                *ret_state = state;
        return state == FILE_GOOD;
}

bool layer_looks_whole(int image_fd)
{
        struct erofs_super super;
        struct stat st;

        return fstat(image_fd, &st) == 0 && pread(image_fd, &super, sizeof super, EROFS_SUPER_OFFSET) == sizeof super &&
               le32toh(super.magic) == EROFS_MAGIC &&
               (uint64_t)st.st_size >= (uint64_t)le32toh(super.blocks) * EROFS_BLOCK;
}

/* The recipe is the file of that name as long as the layer's lock is held. */
static int open_recipe(struct store *s, const struct layer_row *row, int *ret, struct error *err)
{
        char path[FILE_PATH_SIZE];
        int fd;

        *ret = -1;
        if (!row->info.recipe_size)
                return 0;
        file_path(FILE_RECIPE, &row->info.diff_id, path);
        if (file_look(s, path, row->info.recipe_size, row->boot) != FILE_GOOD)
                return error_set(err, ENOENT, "the recipe of layer %s is missing or damaged", row->info.diff_id.text);
        fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "%s", path);
        *ret = fd;
        return 0;
}

/* Of a locked file: what the row says of it stays so. */
static int check_opened(struct store *s, int fd, const struct digest *diff_id, struct layer_row *row, struct error *err)
{
        enum file_state state;
        struct stat st;
        int r = row_find(s, diff_id, row, err);

        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "look at layer %s", diff_id->text);
        state = file_judge(s, &st, row->info.size, row->boot);
        return state == FILE_GOOD ? 0 : error_set(err, ENOENT, "layer %s %s", diff_id->text, file_state_text(state));
}

int store_layer_open(struct store *s, const struct digest *diff_id, struct layer_info *ret_info, int *ret_recipe,
                     struct error *err)
{
        char path[FILE_PATH_SIZE];
        struct layer_row row;
        own_fd int fd = -1;
        int r;

        file_path(FILE_LAYER, diff_id, path);
        fd = file_lock(s, path, LOCK_SH, err);
        if (fd == -ENOENT)
                return error_set(err, ENOENT, "no such layer: %s", diff_id->text);
        if (fd < 0)
                return fd;
        r = check_opened(s, fd, diff_id, &row, err);
        if (r == 0 && ret_recipe)
                r = open_recipe(s, &row, ret_recipe, err);
        if (r < 0)
                return r;
        if (ret_info)
                *ret_info = row.info;
        return take_fd(&fd);
}

static int sizes_of(const struct layer_info *info, int image_fd, int recipe_fd, int64_t *ret_size,
                    int64_t *ret_recipe_size, struct error *err)
{
        *ret_recipe_size = 0;
        *ret_size = file_size(image_fd, err);
        if (*ret_size < 0)
                return (int)*ret_size;
        if (recipe_fd >= 0)
                *ret_recipe_size = file_size(recipe_fd, err);
        if (*ret_recipe_size < 0)
                return (int)*ret_recipe_size;
        if (*ret_size == 0 || (recipe_fd >= 0 && *ret_recipe_size == 0))
                return error_set(err, EINVAL, "layer %s is empty", info->diff_id.text);
        if (info->tar_size > INT64_MAX)
                return error_set(err, EINVAL, "layer %s is too large", info->diff_id.text);
        return 0;
}

static int enter(struct store *s, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err)
{
        int64_t size, recipe_size;
        char path[FILE_PATH_SIZE];
        int r = sizes_of(info, image_fd, recipe_fd, &size, &recipe_size, err);

        if (r < 0)
                return r;
        if (recipe_fd >= 0) {
                file_path(FILE_RECIPE, &info->diff_id, path);
                r = file_publish(s, recipe_fd, path, err);
                if (r < 0)
                        return r;
        }
        r = layer_detach(s, &info->diff_id, err);
        if (r < 0)
                return r;
        file_path(FILE_LAYER, &info->diff_id, path);
        r = file_publish(s, image_fd, path, err);
        if (r < 0)
                return r;
        /* No REPLACE: that would delete the row first, and with it what is known of its blobs. */
        return database_run(&s->database, err,
                            "INSERT INTO layer(diff_id, size, recipe_size, tar_size, boot) VALUES(?1, ?2, ?3, ?4, ?5) "
                            "ON CONFLICT(diff_id) DO UPDATE SET size = excluded.size, "
                            "recipe_size = excluded.recipe_size, tar_size = excluded.tar_size, boot = excluded.boot",
                            "diiit", &info->diff_id, size, recipe_size, (int64_t)info->tar_size, store_boot(s));
}

/* Takes back what enter() may have named before it failed. */
static void retract(struct store *s, const struct digest *diff_id)
{
        static const enum file_kind kinds[] = { FILE_RECIPE, FILE_LAYER };
        char path[FILE_PATH_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                file_path(kinds[i], diff_id, path);
                file_unlink(s, path, NULL);
        }
}

int store_layer_add(struct store *s, const struct layer_info *info, int image_fd, int recipe_fd, struct error *err)
{
        own_transaction struct transaction t = {};
        own_fd int pinned = -1;
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = layer_is_good(s, &info->diff_id, NULL, err);
        if (r == 0) {
                r = enter(s, info, image_fd, recipe_fd, err);
                if (r < 0)
                        retract(s, &info->diff_id);
        }
        if (r < 0)
                return r;
        pinned = store_layer_open(s, &info->diff_id, NULL, NULL, err);
        if (pinned < 0)
                return pinned;
        r = transaction_commit(&t, err);
        return r < 0 ? r : take_fd(&pinned);
}
