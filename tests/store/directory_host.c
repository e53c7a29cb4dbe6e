/* SPDX-License-Identifier: Apache-2.0 */
#include "directory_host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "fetch/inflate.h"
#include "sys/fd.h"

enum { NAME = 160, PIECE = 65536 };

void directory_host_init(struct host *h, int directory)
{
        *h = (struct host){ .directory = directory };
}

void directory_host_finish(struct host *h)
{
        buf_finish(&h->results);
        buf_finish(&h->warnings);
}

static const char *name_of(char name[NAME], const struct digest *d, const char *what)
{
        snprintf(name, NAME, "%s.%s", digest_hex(d), what);
        return name;
}

static int fail(struct error *err, const char *name)
{
        return error_errno(err, errno, "%s", name);
}

static int copy(struct host *h, int from, const char *name, struct error *err)
{
        own_fd int to = openat(h->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        char data[PIECE];
        ssize_t n;
        off_t at = 0;

        if (to < 0)
                return fail(err, name);
        while ((n = pread(from, data, sizeof data, at)) > 0) {
                if (fd_write_all(to, data, (size_t)n) < 0)
                        return fail(err, name);
                at += n;
        }
        return n < 0 ? fail(err, name) : 0;
}

static int put(struct host *h, const char *name, int flags, const void *data, size_t n, struct error *err)
{
        own_fd int fd = openat(h->directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

        return fd < 0 || fd_write_all(fd, data, n) < 0 ? fail(err, name) : 0;
}

int host_new_file(struct host *h, struct error *err)
{
        int fd;

        if (h->refuse)
                return error_errno(err, h->refuse, "make a file");
        fd = openat(h->directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        return fd < 0 ? fail(err, "make a file") : fd;
}

int host_has_layer(struct host *h, const struct digest *diff_id, struct error *err)
{
        char name[NAME];

        return faccessat(h->directory, name_of(name, diff_id, "image"), F_OK, 0) == 0;
}

int host_open_layer(struct host *h, const struct digest *diff_id, uint64_t *ret_tar_size, int *ret_image,
                    int *ret_recipe, struct error *err)
{
        char name[NAME], size[32];
        own_fd int image = openat(h->directory, name_of(name, diff_id, "image"), O_RDONLY | O_CLOEXEC);
        own_fd int recipe = openat(h->directory, name_of(name, diff_id, "recipe"), O_RDONLY | O_CLOEXEC);

        if (image < 0 || recipe < 0 ||
            fd_read_file_at(h->directory, name_of(name, diff_id, "size"), size, sizeof size) < 0)
                return error_set(err, ENOENT, "no layer %s", diff_id->text);
        if (ret_tar_size)
                *ret_tar_size = strtoull(size, NULL, 10);
        *ret_image = take_fd(&image);
        *ret_recipe = take_fd(&recipe);
        return 0;
}

int host_add_layer(struct host *h, const struct digest *diff_id, uint64_t tar_size, int image, int recipe,
                   struct error *err)
{
        char name[NAME], size[32];
        int r = copy(h, image, name_of(name, diff_id, "image"), err);

        if (r == 0)
                r = copy(h, recipe, name_of(name, diff_id, "recipe"), err);
        snprintf(size, sizeof size, "%" PRIu64, tar_size);
        return r == 0 ? put(h, name_of(name, diff_id, "size"), O_TRUNC, size, strlen(size), err) : r;
}

int host_read_blob(struct host *h, const struct digest *d, struct buf *ret, struct error *err)
{
        char name[NAME];
        own_fd int fd = openat(h->directory, name_of(name, d, "blob"), O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT ? 0 : fail(err, name);
        return fd_read_all(fd, MANIFEST_MAX, ret) < 0 ? fail(err, name) : 1;
}

int host_add_blob(struct host *h, const struct digest *d, const char *media_type, const void *data, size_t n,
                  struct error *err)
{
        char name[NAME];

        return put(h, name_of(name, d, "blob"), O_TRUNC, data, n, err);
}

int host_layer_blobs(struct host *h, const struct digest *diff_id, struct host_layer_blob **ret, struct error *err)
{
        *ret = calloc(1, sizeof **ret);
        return *ret ? 0 : error_set(err, ENOMEM, "out of memory");
}

int host_add_layer_blob(struct host *h, const struct digest *diff_id, const struct host_layer_blob *b,
                        struct error *err)
{
        own_buf struct buf line = {};
        char name[NAME];

        buf_addf(&line, "%s %" PRIu64 " %s\n", b->digest.text, b->size, compression_name(b->compression));
        return put(h, name_of(name, diff_id, "blobs"), O_APPEND, line.data, line.len, err);
}

int host_add_image(struct host *h, const struct digest *manifest, const char *name, struct error *err)
{
        own_buf struct buf line = {};

        buf_addf(&line, "%s %s\n", manifest->text, name ? name : "-");
        return put(h, "images", O_APPEND, line.data, line.len, err);
}

void host_progress(struct host *h, const char *id, enum host_progress_state state, uint64_t done, uint64_t total)
{
}

void host_warning(struct host *h, const char *format, ...)
{
        char text[512];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        buf_addf(&h->warnings, "%s\n", text);
}

int host_result(struct host *h, const char *json, struct error *err)
{
        buf_addf(&h->results, "%s\n", json);
        return 0;
}
