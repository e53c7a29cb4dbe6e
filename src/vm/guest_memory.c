/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/sparse_copy.h"

/* AT_ONCE: pages that are looked at together. SHORT: a run of pages that are as in the file, not worth its mention. */
enum { PAGE = 4096, AT_ONCE = 512, SHORT = 8 };

#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)

static int cannot_read(int code, struct error *err)
{
        return error_errno(err, code, "read the memory of a guest");
}

int guest_memory_copy_base(const struct guest_memory *m, int to, struct error *err)
{
        int r = ftruncate(to, (off_t)m->size) < 0 ? -errno : 0;

        for (size_t i = 0; i < m->n_segments && r == 0; i++) {
                const struct guest_segment *s = &m->segments[i];

                if (s->file < 0)
                        continue;
                r = m->n_segments == 1 && !s->offset
                            ? sparse_copy(s->file, to, (off_t)m->size)
                            : sparse_copy_range(s->file, (off_t)s->offset, to, (off_t)s->start, (off_t)s->length);
        }
        return r < 0 ? error_errno(err, -r, "copy the memory of a guest") : 0;
}

/* ---- which pages were written ---- */

static int open_of(pid_t pid, const char *name, int flags)
{
        char path[48];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int guest_memory_open_all(const struct guest_memory *m, int flags, struct error *err)
{
        int fd = open_of(m->pid, "mem", flags);

        return fd < 0 ? cannot_read(-fd, err) : fd;
}

static bool is_changed(uint64_t entry)
{
        return entry & (PRESENT | SWAPPED) && !(entry & OF_FILE);
}

typedef int each_run(void *userdata, const struct guest_segment *s, uint64_t at, size_t pages, bool changed);

struct looker {
        each_run *each;
        void *userdata;
        int pages; /* /proc/PID/pagemap */
        uint64_t map[AT_ONCE];
};

static int look_at_some(struct looker *l, uint64_t start, const struct guest_segment *s, uint64_t at, size_t n)
{
        size_t size = n * sizeof(*l->map), first = 0;
        off_t entry = (off_t)((start + s->start + at) / PAGE * sizeof(*l->map));
        int r = 0;

        if (pread(l->pages, l->map, size, entry) != (ssize_t)size)
                return -EIO;
        for (size_t i = 1; i <= n && r == 0; i++) {
                if (i < n && is_changed(l->map[i]) == is_changed(l->map[first]))
                        continue;
                r = l->each(l->userdata, s, at + first * PAGE, i - first, is_changed(l->map[first]));
                first = i;
        }
        return r;
}

static int look(struct looker *l, const struct guest_memory *m)
{
        int r = 0;

        for (size_t i = 0; i < m->n_segments; i++) {
                const struct guest_segment *s = &m->segments[i];

                for (uint64_t at = 0; at < s->length && r == 0; at += (uint64_t)AT_ONCE * PAGE) {
                        uint64_t left = (s->length - at) / PAGE;

                        r = look_at_some(l, m->start, s, at, left < AT_ONCE ? left : AT_ONCE);
                }
        }
        return r;
}

int guest_memory_each(const struct guest_memory *m, each_run *each, void *userdata, struct error *err)
{
        own_fd int pages = open_of(m->pid, "pagemap", O_RDONLY);
        own_mem struct looker *l = malloc(sizeof(*l));
        int r;

        if (pages < 0 || !l)
                return cannot_read(pages < 0 ? -pages : ENOMEM, err);
        l->each = each;
        l->userdata = userdata;
        l->pages = pages;
        r = look(l, m);
        return r < 0 ? cannot_read(-r, err) : 0;
}

/* ---- copying them ---- */

struct copy {
        int memory, to;
        uint64_t start;
        unsigned char data[AT_ONCE * PAGE];
};

static bool is_zero(const unsigned char *page)
{
        return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* Where the file has something it has not any more. */
static int write_zeroes(const struct copy *c, const unsigned char *page, off_t at)
{
        if (fallocate(c->to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, PAGE) == 0)
                return 0;
        return pwrite(c->to, page, PAGE, at) == PAGE ? 0 : -EIO;
}

/* Zeroes would fill the file up. */
static int write_pages(const struct copy *c, size_t n, off_t at, bool has_file)
{
        size_t from = 0;

        for (size_t i = 0; i <= n; i++) {
                size_t len = (i - from) * PAGE;

                if (i < n && !is_zero(c->data + i * PAGE))
                        continue;
                if (len && pwrite(c->to, c->data + from * PAGE, len, at + (off_t)(from * PAGE)) != (ssize_t)len)
                        return -EIO;
                if (i < n && has_file && write_zeroes(c, c->data + i * PAGE, at + (off_t)(i * PAGE)) < 0)
                        return -EIO;
                from = i + 1;
        }
        return 0;
}

static int copy_run(void *userdata, const struct guest_segment *s, uint64_t at, size_t pages, bool changed)
{
        struct copy *c = userdata;
        uint64_t from = s->start + at;

        if (!changed)
                return 0;
        if (pread(c->memory, c->data, pages * PAGE, (off_t)(c->start + from)) != (ssize_t)(pages * PAGE))
                return -EIO;
        return write_pages(c, pages, (off_t)from, s->file >= 0);
}

int guest_memory_copy_changed(const struct guest_memory *m, int to, struct error *err)
{
        own_mem struct copy *c = malloc(sizeof(*c));
        own_fd int memory = guest_memory_open_all(m, O_RDONLY, err);

        if (memory < 0)
                return memory;
        if (!c)
                return error_set(err, ENOMEM, "out of memory");
        c->memory = memory;
        c->to = to;
        c->start = m->start;
        return guest_memory_each(m, copy_run, c, err);
}

/* ---- listing the others ---- */

/* Those of one look follow those of the last. */
static int list_run(void *userdata, const struct guest_segment *segment, uint64_t at, size_t pages, bool changed)
{
        struct buf *out = userdata;
        struct guest_segment *last = out->len ? (struct guest_segment *)(out->data + out->len) - 1 : NULL;
        struct guest_segment s = *segment;

        if (changed || s.file < 0)
                return 0;
        s.start += at;
        s.offset += at;
        s.length = pages * PAGE;
        s.owns_file = false;
        if (last && last->file == s.file && last->start + last->length == s.start &&
            last->offset + last->length == s.offset)
                last->length += s.length;
        else if (pages >= SHORT)
                buf_add(out, &s, sizeof(s));
        return 0;
}

int guest_memory_list_unchanged(const struct guest_memory *m, struct buf *ret, struct error *err)
{
        int r = guest_memory_each(m, list_run, ret, err);

        return r == 0 && buf_failed(ret) ? error_set(err, ENOMEM, "out of memory") : r;
}
