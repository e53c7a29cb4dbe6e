/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/save_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "vm/template_pages.h"

/* SHORT: a run of pages that another file has, not worth a mapping of its own. AT_ONCE: as the pages come. */
enum { PAGE = 4096, SHORT = 8, AT_ONCE = 512 };

void saved_memory_finish(struct saved_memory *s)
{
        template_finish(&s->origin);
        buf_finish(&s->extents);
}

/* ---- whose files there are ---- */

/* Those of which it is a copy are kept as long as it runs. */
static int open_origin(struct saved_memory *s, const struct monitor *m, const struct template **ret)
{
        struct error ignored;
        char key[SHA256_HEX];

        *ret = m->origin;
        if (m->origin)
                return 0;
        *ret = &s->origin;
        if (!m->job.templates || monitor_find_key(m, key, &ignored) < 0)
                return -ENOENT;
        return template_open(m->job.templates, key, &s->origin, &ignored);
}

/* -ENOENT: it has no name any more. */
static int link_file(struct saved_memory *s, int fd, const struct template_base *b)
{
        char from[32], to[TEMPLATE_BASE_NAME];

        snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
        template_base_name(s->n_files, to);
        if (s->n_files > TEMPLATE_MAX_BASES)
                return -E2BIG;
        if (linkat(AT_FDCWD, from, s->directory, to, AT_SYMLINK_FOLLOW) < 0)
                return -errno;
        s->manifest->bases[s->n_files - 1] = *b;
        s->files[s->n_files++] = fd;
        s->manifest->n_bases = s->n_files - 1;
        return 0;
}

/* The first is as large as the memory; without it the others are of no use. */
static void link_files(struct saved_memory *s, const struct template *t)
{
        const struct template_manifest *f = &t->manifest;
        const struct template_base own = { .size = f->memory_size, .time = f->memory_time };
        struct template_base b = own;
        int r = 0;

        memcpy(b.digest, f->memory_digest, sizeof(b.digest));
        for (size_t i = 0; i < t->n_bases && (i == 0 || s->n_files > 1); i++)
                r = link_file(s, t->bases[i], &f->bases[i]);
        if (r == 0 || s->n_files > 1)
                link_file(s, t->memory, &b);
}

int saved_memory_begin(struct saved_memory *s, const struct monitor *m, const struct guest_memory *memory,
                       struct error *err)
{
        const struct template *origin;

        s->files[0] = s->file;
        s->n_files = 1;
        if (open_origin(s, m, &origin) == 0)
                link_files(s, origin);
        return s->n_files > 1 ? 0 : guest_memory_copy_base(memory, s->file, err);
}

/* ---- what they have ---- */

struct copy {
        struct saved_memory *s;
        int memory; /* QEMU's */
        uint64_t start, end;
        dev_t devices[1 + TEMPLATE_MAX_BASES];
        ino_t inodes[1 + TEMPLATE_MAX_BASES];
        unsigned char data[AT_ONCE * PAGE];
};

static bool is_zero(const unsigned char *page)
{
        return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* 0: none of them. */
static uint32_t find_file(const struct copy *c, const struct guest_segment *s)
{
        for (uint32_t i = 1; i < c->s->n_files && s->file >= 0; i++)
                if (c->inodes[i] == s->inode && c->devices[i] == s->device)
                        return i;
        return 0;
}

static struct template_extent *last_extent(const struct copy *c)
{
        const struct buf *out = &c->s->extents;

        return out->len ? (struct template_extent *)(out->data + out->len) - 1 : NULL;
}

/* What follows what was there is no run of its own. */
static bool continues(const struct template_extent *last, uint64_t start, uint64_t offset, uint32_t file)
{
        return last && last->file == file && last->start + last->length == start &&
               last->offset + last->length == offset;
}

static void add_extent(struct copy *c, uint64_t start, uint64_t length, uint64_t offset, uint32_t file)
{
        const struct template_extent e = { .start = start, .length = length, .offset = offset, .file = file };
        struct template_extent *last = last_extent(c);

        if (continues(last, start, offset, file))
                last->length += length;
        else
                buf_add(&c->s->extents, &e, sizeof(e));
}

static int store(struct copy *c, uint64_t at, const unsigned char *data, size_t pages)
{
        size_t size = pages * PAGE;

        if (!size)
                return 0;
        if (pwrite(c->s->file, data, size, (off_t)c->end) != (ssize_t)size)
                return -EIO;
        add_extent(c, at, size, c->end, 0);
        c->end += size;
        return 0;
}

static int store_run(struct copy *c, uint64_t at, size_t pages)
{
        size_t from = 0;
        int r = 0;

        if (pread(c->memory, c->data, pages * PAGE, (off_t)(c->start + at)) != (ssize_t)(pages * PAGE))
                return -EIO;
        for (size_t i = 0; i <= pages && r == 0; i++) {
                if (i < pages && !is_zero(c->data + i * PAGE))
                        continue;
                r = store(c, at + from * PAGE, c->data + from * PAGE, i - from);
                from = i + 1;
        }
        return r;
}

static int take_run(void *userdata, const struct guest_segment *s, uint64_t at, size_t pages, bool changed)
{
        struct copy *c = userdata;
        uint32_t file = changed ? 0 : find_file(c, s);
        uint64_t start = s->start + at, offset = s->offset + at;

        if (!changed && s->file < 0)
                return 0;
        if (file && (pages >= SHORT || continues(last_extent(c), start, offset, file))) {
                add_extent(c, start, pages * PAGE, offset, file);
                return 0;
        }
        return store_run(c, start, pages);
}

static int know_files(struct copy *c, struct error *err)
{
        for (size_t i = 1; i < c->s->n_files; i++) {
                struct stat st;

                if (fstat(c->s->files[i], &st) < 0)
                        return error_errno(err, errno, "look at the files of a template");
                c->devices[i] = st.st_dev;
                c->inodes[i] = st.st_ino;
        }
        return 0;
}

static int copy_pages(struct saved_memory *s, const struct guest_memory *memory, struct error *err)
{
        own_mem struct copy *c = calloc(1, sizeof(*c));
        own_fd int all = guest_memory_open_all(memory, O_RDONLY, err);
        int r;

        if (all < 0 || !c)
                return all < 0 ? all : error_set(err, ENOMEM, "out of memory");
        c->s = s;
        c->memory = all;
        c->start = memory->start;
        r = know_files(c, err);
        if (r == 0)
                r = guest_memory_each(memory, take_run, c, err);
        /* A file without anything is none that can be mapped. */
        if (r == 0 && c->end == 0 && ftruncate(s->file, PAGE) < 0)
                r = error_errno(err, errno, "write the memory of a template");
        return r == 0 ? template_pages_write(s->directory, &s->extents, s->manifest->pages_digest, err) : r;
}

int saved_memory_copy(struct saved_memory *s, const struct guest_memory *memory, struct error *err)
{
        return s->n_files > 1 ? copy_pages(s, memory, err) : guest_memory_copy_changed(memory, s->file, err);
}
