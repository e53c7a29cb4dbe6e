/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout as a directory: what its documents name is opened inside of it, and no symlink is followed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "fetch/archive.h"
#include "fetch/unpack.h"
#include "sys/fd.h"

enum { PIECE = 256 << 10 };

/* -ENOENT: there is no such file. */
static int open_file(const struct archive *a, const char *name, uint64_t *ret_size, struct error *err)
{
        /* Not to wait for whoever might open a fifo. */
        own_fd int fd = fd_openat2(a->directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
                                   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        struct stat st;

        if (fd < 0)
                return error_errno(err, -fd, "open");
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "stat");
        if (!S_ISREG(st.st_mode))
                return error_set(err, EINVAL, "not a regular file");
        *ret_size = (uint64_t)st.st_size;
        return take_fd(&fd);
}

static int read_document(struct archive *a, const char *name, int fd, struct error *err)
{
        own_buf struct buf text = {};
        struct archive_entry *e;
        int r = fd_read_all(fd, ARCHIVE_MAX_DOCUMENT, &text);

        if (r < 0)
                return error_errno(err, -r, "read");
        e = archive_add(a, name, ARCHIVE_DOCUMENT, err);
        if (!e)
                return -err->code;
        r = archive_add_text(a, e, text.len, err);
        if (r == 0 && text.len)
                memcpy(e->text, text.data, text.len);
        return r;
}

static int unpack_file(struct archive_unpack *u, int fd, struct archive_layer *l, struct error *err)
{
        own_mem char *data = malloc(PIECE);
        int r = data ? 0 : error_set(err, ENOMEM, "out of memory");

        while (r == 0) {
                ssize_t n = read(fd, data, PIECE);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? error_errno(err, errno, "read") : archive_unpack_end(u, l, err);
                r = archive_unpack_write(u, data, (size_t)n, l, err);
        }
        return r;
}

static int read_layer(struct archive *a, const char *name, int fd, uint64_t size, const struct archive_wanted *w,
                      struct error *err)
{
        struct archive_entry *e = archive_add(a, name, ARCHIVE_LAYER, err);
        struct archive_unpack u = {};
        /* Who has to write a manifest wants to know of what size the blob is. */
        int r = e && w->blob ? host_has_layer(a->host, w->diff_id, err) : 0;

        if (!e || r < 0)
                return -err->code;
        if (r > 0) {
                e->layer.diff_id = *w->diff_id;
                e->layer.blob = *w->blob;
                e->layer.blob_size = size;
                host_progress(a->host, w->blob->text, HOST_EXISTS, size, size);
                return 0;
        }
        r = archive_unpack_begin(&u, a->host, w->blob ? w->blob->text : name, size, w, &e->layer, err);
        if (r == 0)
                r = unpack_file(&u, fd, &e->layer, err);
        unpack_abort(u.unpack);
        return r;
}

int archive_read_file(struct archive *a, const char *name, const struct archive_wanted *w, struct error *err)
{
        uint64_t size = 0;
        own_fd int fd = open_file(a, name, &size, err);

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        return w ? read_layer(a, name, fd, size, w, err) : read_document(a, name, fd, err);
}
