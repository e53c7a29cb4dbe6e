/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/sparse_copy.h"

/* AT_ONCE: pages that are looked at together. */
enum { PAGE = 4096, AT_ONCE = 512, MAX_MAPS = 4 << 20, MAX_CHILDREN = 256 };

#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define OF_FILE (1ULL << 61)

static int cannot_read(int code, struct error *err)
{
        return error_errno(err, code, "read the memory of a guest");
}

/* ---- where it is ---- */

/* "START-END PERMISSIONS OFFSET DEVICE INODE ...": 1 if it is that. */
static int look(const char *line, uint64_t size, struct guest_memory *ret, bool *ret_file)
{
        char *at;
        uint64_t start = strtoull(line, &at, 16), end = strtoull(at + (*at == '-'), &at, 16);

        if (end - start != size || strncmp(at, " rw-p ", 6) != 0)
                return 0;
        at += 6;
        for (int word = 0; word < 2 && at; word++)
                at = strchr(at + 1, ' ');
        ret->start = start;
        ret->size = size;
        *ret_file = at && strtoull(at, NULL, 10) != 0;
        return 1;
}

static int open_base(struct guest_memory *m)
{
        char path[80];

        snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)m->pid, m->start,
                 m->start + m->size);
        m->base = open(path, O_RDONLY | O_CLOEXEC);
        return m->base < 0 ? -errno : 0;
}

/* -ENOENT: this process has none. */
static int find(pid_t pid, uint64_t size, struct guest_memory *ret)
{
        struct guest_memory m = { .pid = pid, .base = -1 };
        own_buf struct buf maps = {};
        own_fd int fd = -1;
        char path[32];
        bool is_file = false;
        int r, n = 0;

        snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : fd_read_all(fd, MAX_MAPS, &maps);
        if (r < 0)
                return r;
        for (const char *line = buf_str(&maps); line && *line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                n += look(line, size, &m, &is_file);
        if (n != 1)
                return n ? -ENOTUNIQ : -ENOENT;
        r = is_file ? open_base(&m) : 0;
        if (r == 0)
                *ret = m;
        return r;
}

static pid_t first_child(pid_t pid)
{
        char path[64], text[MAX_CHILDREN] = "";

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
        return fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

int guest_memory_open(pid_t pid, uint64_t size, struct guest_memory *ret, struct error *err)
{
        int r = find(pid, size, ret);

        if (r == -ENOENT)
                r = find(first_child(pid), size, ret);
        return r < 0 ? error_errno(err, -r, "find the memory of a guest") : 0;
}

void guest_memory_close(struct guest_memory *m)
{
        if (m->base >= 0)
                close(take_fd(&m->base));
}

/* ---- what it is ---- */

int guest_memory_copy_base(const struct guest_memory *m, int to, struct error *err)
{
        int r = m->base >= 0 ? sparse_copy(m->base, to, (off_t)m->size) : 0;

        if (r == 0 && ftruncate(to, (off_t)m->size) < 0)
                r = -errno;
        return r < 0 ? error_errno(err, -r, "copy the memory of a guest") : 0;
}

struct copy {
        int pages, memory, to;
        const struct guest_memory *m;
        uint64_t map[AT_ONCE];
        unsigned char data[AT_ONCE * PAGE];
};

static bool is_changed(uint64_t entry)
{
        return entry & (PRESENT | SWAPPED) && !(entry & OF_FILE);
}

static bool is_zero(const unsigned char *page)
{
        return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* Where the file has something it has not any more. */
static int write_zeroes(const struct copy *c, const unsigned char *page, off_t at)
{
        if (c->m->base < 0 || fallocate(c->to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, PAGE) == 0)
                return 0;
        return pwrite(c->to, page, PAGE, at) == PAGE ? 0 : -EIO;
}

/* Zeroes would fill the file up. */
static int write_pages(const struct copy *c, size_t n, off_t at)
{
        size_t from = 0;

        for (size_t i = 0; i <= n; i++) {
                size_t len = (i - from) * PAGE;

                if (i < n && !is_zero(c->data + i * PAGE))
                        continue;
                if (len && pwrite(c->to, c->data + from * PAGE, len, at + (off_t)(from * PAGE)) != (ssize_t)len)
                        return -EIO;
                if (i < n && write_zeroes(c, c->data + i * PAGE, at + (off_t)(i * PAGE)) < 0)
                        return -EIO;
                from = i + 1;
        }
        return 0;
}

/* Pages [first, end) of what was looked at, which begins at `at`. */
static int copy_run(struct copy *c, uint64_t at, size_t first, size_t end)
{
        size_t len = (end - first) * PAGE;
        uint64_t from = at + first * PAGE;

        if (!len)
                return 0;
        if (pread(c->memory, c->data, len, (off_t)(c->m->start + from)) != (ssize_t)len)
                return -EIO;
        return write_pages(c, end - first, (off_t)from);
}

static int copy_some(struct copy *c, uint64_t at, size_t n)
{
        size_t size = n * sizeof(*c->map), first = 0;
        off_t entry = (off_t)((c->m->start + at) / PAGE * sizeof(*c->map));
        int r = 0;

        if (pread(c->pages, c->map, size, entry) != (ssize_t)size)
                return -EIO;
        for (size_t i = 0; i < n && r == 0; i++) {
                if (is_changed(c->map[i]))
                        continue;
                r = copy_run(c, at, first, i);
                first = i + 1;
        }
        return r == 0 && first < n ? copy_run(c, at, first, n) : r;
}

static int open_of(pid_t pid, const char *name)
{
        char path[48];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int guest_memory_copy_changed(const struct guest_memory *m, int to, struct error *err)
{
        own_mem struct copy *c = malloc(sizeof(*c));
        own_fd int pages = open_of(m->pid, "pagemap"), memory = open_of(m->pid, "mem");
        int r = 0;

        if (pages < 0 || memory < 0)
                return cannot_read(pages < 0 ? -pages : -memory, err);
        if (!c)
                return error_set(err, ENOMEM, "out of memory");
        c->pages = pages;
        c->memory = memory;
        c->to = to;
        c->m = m;
        for (uint64_t at = 0; at < m->size && r == 0; at += (uint64_t)AT_ONCE * PAGE) {
                uint64_t left = (m->size - at) / PAGE;

                r = copy_some(c, at, left < AT_ONCE ? left : AT_ONCE);
        }
        return r < 0 ? cannot_read(-r, err) : 0;
}
