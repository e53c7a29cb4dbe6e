/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/template_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/template_files.h"

enum { PAGE = 4096, MAX_PAGES = 16 << 20 };

#define PAGES "pages"
#define MAX_MEMORY (1ULL << 44)

void template_base_name(size_t n, char ret[TEMPLATE_BASE_NAME])
{
        snprintf(ret, TEMPLATE_BASE_NAME, "memory.%zu", n);
}

static void digest_of(const struct buf *b, char ret[SHA256_HEX])
{
        unsigned char digest[SHA256_SIZE];
        struct sha256 h;

        sha256_init(&h);
        sha256_add(&h, b->data, b->len);
        sha256_end(&h, digest);
        sha256_hex(digest, ret);
}

int template_pages_write(int directory, const struct buf *extents, char ret_digest[SHA256_HEX], struct error *err)
{
        int r = buf_failed(extents) ? -ENOMEM : fd_replace_file_at(directory, PAGES, extents->data, extents->len, 0400);

        digest_of(extents, ret_digest);
        return r < 0 ? error_errno(err, -r, "write the pages of a template") : 0;
}

/* ---- reading ---- */

static bool makes_sense(const struct template *t)
{
        const struct template_extent *e = (const struct template_extent *)t->pages.data;
        uint64_t end = 0;

        for (size_t i = 0; i < t->pages.len / sizeof(*e); i++) {
                if ((e[i].start | e[i].length | e[i].offset) % PAGE || !e[i].length || e[i].start < end ||
                    e[i].start > MAX_MEMORY || e[i].length > MAX_MEMORY || e[i].file > t->manifest.n_bases ||
                    (e[i].file == 1 && e[i].offset != e[i].start))
                        return false;
                end = e[i].start + e[i].length;
        }
        return t->pages.len % sizeof(*e) == 0;
}

static int read_pages(int directory, struct template *t, struct error *err)
{
        own_fd int fd = openat(directory, PAGES, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        char digest[SHA256_HEX];
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_PAGES, &t->pages);

        if (r == 0) {
                digest_of(&t->pages, digest);
                r = strcmp(digest, t->manifest.pages_digest) != 0 || !makes_sense(t) ? -EBADMSG : 0;
        }
        return r < 0 ? error_set(err, EBADMSG, "its file " PAGES " is damaged") : 0;
}

static int open_base(int directory, size_t n, const struct template_base *b, struct error *err)
{
        own_fd int fd = -1;
        struct stat st;
        char name[TEMPLATE_BASE_NAME];

        template_base_name(n, name);
        fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != b->size ||
            template_file_time(fd) != b->time)
                return error_set(err, EBADMSG, "its file %s is not there, or is not as it was", name);
        return take_fd(&fd);
}

int template_pages_open(int directory, struct template *t, struct error *err)
{
        int r = t->manifest.n_bases ? read_pages(directory, t, err) : 0;

        for (size_t i = 0; r == 0 && i < t->manifest.n_bases; i++) {
                int fd = open_base(directory, i + 1, &t->manifest.bases[i], err);

                if (fd < 0)
                        return fd;
                t->bases[t->n_bases++] = fd;
        }
        return r;
}

int template_bases_check(const struct template *t, struct error *err)
{
        char digest[SHA256_HEX];

        for (size_t i = 0; i < t->n_bases; i++) {
                int r = template_digest_memory(t->bases[i], -1, digest);

                if (r < 0)
                        return error_errno(err, -r, "read the memory of a template");
                if (strcmp(digest, t->manifest.bases[i].digest) != 0)
                        return error_set(err, EBADMSG, "its memory is damaged");
        }
        return 0;
}
