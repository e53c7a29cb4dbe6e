/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a directory of the test's own, which goes with the test. */
#pragma once

#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store_fixture.h"

/* Where it is made. */
#ifndef ROOT_PLACE
#define ROOT_PLACE "/tmp"
#endif

struct store_root {
        char top[40], root[64], run[64];
        struct store *store;
        struct error err;
};

static inline void root_open(struct store_root *t)
{
        if (store_open(t->root, t->run, &t->store, &t->err) < 0)
                fail_msg("%s", t->err.text);
}

static inline void root_close(struct store_root *t)
{
        store_close(t->store);
        t->store = NULL;
}

static inline void root_reopen(struct store_root *t)
{
        root_close(t);
        root_open(t);
}

static inline int root_setup(void **state)
{
        struct store_root *t = calloc(1, sizeof *t);

        strcpy(t->top, ROOT_PLACE "/holt-store-XXXXXX");
        assert_non_null(mkdtemp(t->top));
        snprintf(t->root, sizeof t->root, "%s/root", t->top);
        snprintf(t->run, sizeof t->run, "%s/run", t->top);
        root_open(t);
        *state = t;
        return 0;
}

static inline int root_teardown(void **state)
{
        struct store_root *t = *state;

        root_close(t);
        assert_int_equal(fd_remove_tree_at(-1, t->top), 0);
        free(t);
        return 0;
}

static inline struct reference named(const char *text)
{
        struct reference ref = {};

        assert_int_equal(reference_parse(text, &ref, NULL), 0);
        return ref;
}

static inline void image_add(struct store_root *t, const char *seed, const char *name, size_t n, ...)
{
        const char *layers[8];
        va_list list;

        va_start(list, n);
        for (size_t i = 0; i < n; i++)
                layers[i] = va_arg(list, const char *);
        va_end(list);
        if (seed_image(t->store, seed, layers, n, name, 8192, &t->err) < 0)
                fail_msg("%s", t->err.text);
}

/* The layer's file, or its recipe. */
static inline const char *layer_path(struct store_root *t, const char *seed, const char *suffix)
{
        static char path[256];
        struct digest d = seed_digest(seed);

        snprintf(path, sizeof path, "%s/layers/%s%s", t->root, digest_hex(&d), suffix);
        return path;
}

static inline const char *blob_path(struct store_root *t, const struct digest *d)
{
        static char path[256];

        snprintf(path, sizeof path, "%s/blobs/sha256/%s", t->root, digest_hex(d));
        return path;
}

static inline bool is_file(const char *path)
{
        return access(path, F_OK) == 0;
}

static inline bool has_layer(struct store_root *t, const char *seed)
{
        struct digest d = seed_digest(seed);
        own_fd int fd = store_layer_open(t->store, &d, NULL, NULL, NULL);

        assert_true(fd >= 0 || fd == -ENOENT);
        return fd >= 0;
}

static inline bool has_image(struct store_root *t, const char *name)
{
        own_mem struct image_info *i = NULL;
        int r = store_image_find(t->store, name, &i, &t->err);

        assert_true(r == 0 || r == -ENOENT);
        return r == 0;
}

static inline bool is_synced(const char *root, const char *directory)
{
        char path[128];
        own_dir DIR *dir = NULL;
        struct dirent *entry;
        struct stat st;

        snprintf(path, sizeof path, "%s/%s", root, directory);
        dir = opendir(path);
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
                if (S_ISREG(st.st_mode) && st.st_mode & S_IWUSR)
                        return false;
        }
        return true;
}

/* Until all that was added is on the disk. */
static inline void wait_synced(struct store_root *t)
{
        int tries = 0;

        while (!is_synced(t->root, "layers") || !is_synced(t->root, "blobs/sha256")) {
                assert_true(++tries < 1000);
                usleep(10000);
        }
}
