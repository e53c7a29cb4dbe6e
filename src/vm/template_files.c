/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/template_files.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void end(struct sha256 *h, char ret[SHA256_HEX])
{
        unsigned char digest[SHA256_SIZE];

        sha256_end(h, digest);
        sha256_hex(digest, ret);
}

int template_digest_file(int fd, char ret[SHA256_HEX])
{
        unsigned char chunk[16384];
        struct sha256 h;
        off_t at = 0;
        ssize_t n;

        sha256_init(&h);
        while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
                sha256_add(&h, chunk, (size_t)n);
                at += n;
        }
        if (n < 0)
                return -errno;
        end(&h, ret);
        return 0;
}

/* ---- memory ---- */

struct copy {
        const unsigned char *data; /* all of the file */
        int to;
        struct sha256 h;
};

static bool is_zero(const unsigned char *page)
{
        return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static int write_run(const struct copy *c, off_t at, off_t end_)
{
        while (c->to >= 0 && at < end_) {
                ssize_t n = pwrite(c->to, c->data + at, (size_t)(end_ - at), at);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                at += n;
        }
        return 0;
}

/* Between two holes. */
static int take_extent(struct copy *c, off_t at, off_t end_)
{
        off_t run = at;
        int r = 0;

        for (; at < end_ && r == 0; at += PAGE) {
                const uint64_t number = (uint64_t)at;

                if (is_zero(c->data + at)) {
                        r = write_run(c, run, at);
                        run = at + PAGE;
                        continue;
                }
                sha256_add(&c->h, &number, sizeof(number));
                sha256_add(&c->h, c->data + at, PAGE);
        }
        return r == 0 ? write_run(c, run, end_) : r;
}

static int take_extents(struct copy *c, int fd)
{
        off_t at = 0;

        /* A file system's blocks may be smaller than a page. */
        while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
                off_t hole = lseek(fd, at, SEEK_HOLE);
                off_t next = (hole + PAGE - 1) / PAGE * PAGE;
                int r = hole < 0 ? -errno : take_extent(c, at / PAGE * PAGE, next);

                if (r < 0)
                        return r;
                at = next;
        }
        return errno == ENXIO ? 0 : -errno;
}

int template_digest_memory(int fd, int to, char ret[SHA256_HEX])
{
        struct copy c = { .to = to };
        struct stat st;
        void *data;
        int r;

        if (fstat(fd, &st) < 0 || (to >= 0 && ftruncate(to, st.st_size) < 0))
                return -errno;
        if (st.st_size <= 0 || st.st_size % PAGE)
                return -EINVAL;
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        c.data = data;
        sha256_init(&c.h);
        r = take_extents(&c, fd);
        munmap(data, (size_t)st.st_size);
        if (r == 0)
                end(&c.h, ret);
        return r;
}

int64_t template_file_time(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? -1 : (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}
