/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/making.h"

/* GAP: empty pages that cost less in the file than another mapping would. STACK: what the first thread may still need. */
enum { CHUNK = 256, GAP = 16, STACK = 8 << 20, PATH = 256 };

#define PRESENT_OR_SWAPPED (3ULL << 62) /* Linux Documentation/admin-guide/mm/pagemap.rst */

struct area {
        uint64_t start, end, offset; /* offset: into its file */
        int protection, file;        /* file: -1 */
};

/* ---- what others have ---- */

static bool is_apart(const struct making *m, uint64_t start)
{
        return m->apart && start >= m->apart->start && start - m->apart->start < m->apart->length;
}

/* Pages are asked for in their order. */
static bool has_part(struct making *m, uint64_t page)
{
        const struct process_apart *a = m->apart;

        if (!is_apart(m, page))
                return false;
        page -= a->start;
        while (m->part < a->n_parts && a->parts[m->part].start + a->parts[m->part].length <= page)
                m->part++;
        return m->part < a->n_parts && a->parts[m->part].start <= page;
}

static int name_memory_files(struct making *m, struct error *err)
{
        for (size_t i = 0; m->apart && i < m->apart->n_files; i++) {
                struct process_memory_file row = {};
                struct stat st;

                if (i == PROCESS_APART_MAX || fstat(m->apart->files[i], &st) < 0)
                        return error_set(err, ENOTSUP, "the memory of the process is in too many files");
                row.device = st.st_dev;
                row.inode = st.st_ino;
                row.size = (uint64_t)st.st_size;
                row.changed = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
                buf_add(&m->memory_files, &row, sizeof(row));
        }
        return 0;
}

static void map_parts(struct making *m)
{
        for (size_t i = 0; m->apart && i < m->apart->n_parts; i++) {
                const struct process_part *p = &m->apart->parts[i];
                const struct process_mapping row = { .start = m->apart->start + p->start,
                                                     .length = p->length,
                                                     .offset = p->offset,
                                                     .protection = PROT_READ | PROT_WRITE,
                                                     .file = p->file + 1 };

                buf_add(&m->mappings, &row, sizeof(row));
        }
}

/* ---- one run of pages after the other ---- */

struct writer {
        struct making *m;
        const struct area *area;
        uint64_t run, next; /* the pages that are being written, and the first behind them; run 0: none are */
        char *data;         /* of CHUNK pages */
};

static void add_mapping(struct making *m, uint64_t start, uint64_t end, uint64_t offset, int protection)
{
        const struct process_mapping row = {
                .start = start, .length = end - start, .offset = offset, .protection = (uint32_t)protection
        };

        buf_add(&m->mappings, &row, sizeof(row));
}

static void end_run(struct writer *w)
{
        if (w->run)
                add_mapping(w->m, w->run, w->next, w->m->end - (w->next - w->run), w->area->protection);
        w->run = 0;
}

static int append(struct making *m, const void *data, size_t len)
{
        for (size_t done = 0; done < len;) {
                ssize_t n = pwrite(m->file, (const char *)data + done, len - done, (off_t)(m->end + done));

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                done += (size_t)n;
        }
        m->end += len;
        return 0;
}

static bool is_zero(const void *page)
{
        const char *p = page;

        return *p == 0 && memcmp(p, p + 1, MAKING_PAGE - 1) == 0;
}

/* Empty pages in between become part of the run: they are a hole in the file. The area is mapped as a whole before. */
static int write_run(struct writer *w, uint64_t at, const char *data, size_t pages)
{
        if (!pages)
                return 0;
        if (w->run && at - w->next > (uint64_t)GAP * MAKING_PAGE)
                end_run(w);
        if (!w->run)
                w->run = w->next = at;
        w->m->end += at - w->next;
        w->next = at + pages * MAKING_PAGE;
        return append(w->m, data, pages * MAKING_PAGE);
}

/* What w->data has now is at `at`. */
static int write_pages(struct writer *w, uint64_t at, size_t pages)
{
        size_t from = 0;
        int r = 0;

        for (size_t i = 0; i < pages && r == 0; i++) {
                if (!is_zero(w->data + i * MAKING_PAGE))
                        continue;
                r = write_run(w, at + from * MAKING_PAGE, w->data + from * MAKING_PAGE, i - from);
                from = i + 1;
        }
        return r == 0 ? write_run(w, at + from * MAKING_PAGE, w->data + from * MAKING_PAGE, pages - from) : r;
}

/* What is behind the end of a file is empty. */
static int read_from(int fd, char *data, size_t pages, uint64_t at)
{
        size_t done = 0, size = pages * MAKING_PAGE;
        ssize_t n;

        do {
                n = pread(fd, data + done, size - done, (off_t)(at + done));
                done += n > 0 ? (size_t)n : 0;
        } while (n > 0 && done < size);
        memset(data + done, 0, size - done);
        return n < 0 ? -errno : 0;
}

enum page_kind { PAGE_EMPTY, PAGE_IN_MEMORY, PAGE_IN_FILE, PAGE_APART };

static enum page_kind kind_of(struct writer *w, uint64_t entry, uint64_t at)
{
        if (has_part(w->m, at))
                return PAGE_APART;
        if (entry & PRESENT_OR_SWAPPED)
                return PAGE_IN_MEMORY;
        return w->area->file >= 0 ? PAGE_IN_FILE : PAGE_EMPTY;
}

/* Pages of one kind. */
static int write_kind(struct writer *w, enum page_kind kind, uint64_t at, size_t pages)
{
        const struct area *a = w->area;
        int r;

        if (kind == PAGE_APART)
                end_run(w);
        if (kind == PAGE_APART || kind == PAGE_EMPTY)
                return 0;
        r = kind == PAGE_IN_MEMORY ? read_from(w->m->memory, w->data, pages, at)
                                   : read_from(a->file, w->data, pages, a->offset + (at - a->start));
        return r == 0 ? write_pages(w, at, pages) : r;
}

static int write_chunk(struct writer *w, int pagemap, uint64_t at, size_t pages)
{
        uint64_t entries[CHUNK];
        enum page_kind kind = PAGE_EMPTY;
        size_t from = 0;
        int r = 0;

        if (pread(pagemap, entries, pages * sizeof(*entries), (off_t)(at / MAKING_PAGE * sizeof(*entries))) !=
            (ssize_t)(pages * sizeof(*entries)))
                return -EIO;
        for (size_t i = 0; i < pages && r == 0; i++) {
                enum page_kind is = kind_of(w, entries[i], at + i * MAKING_PAGE);

                if (is == kind)
                        continue;
                r = write_kind(w, kind, at + from * MAKING_PAGE, i - from);
                kind = is;
                from = i;
        }
        return r == 0 ? write_kind(w, kind, at + from * MAKING_PAGE, pages - from) : r;
}

/* ---- one area ---- */

static int write_area(struct making *m, int pagemap, const struct area *a, struct error *err)
{
        own_mem char *data = malloc((size_t)CHUNK * MAKING_PAGE);
        struct writer w = { .m = m, .area = a, .data = data };
        int r = data ? 0 : -ENOMEM;

        add_mapping(m, a->start, a->end, PROCESS_EMPTY, a->protection);
        for (uint64_t at = a->start; at < a->end && r == 0 && a->protection != PROT_NONE;) {
                uint64_t pages = (a->end - at) / MAKING_PAGE;

                pages = pages < CHUNK ? pages : CHUNK;
                r = write_chunk(&w, pagemap, at, (size_t)pages);
                at += pages * MAKING_PAGE;
        }
        end_run(&w);
        return r < 0 ? error_errno(err, -r, "write the memory of a process") : 0;
}

/* What was mapped must be the same when the process begins. */
static int add_origin(struct making *m, int file, const char *path, struct error *err)
{
        struct process_origin row = {}, *have = (void *)m->origins.data;
        struct stat st;

        if (fstat(file, &st) < 0 || strlen(path) >= sizeof(row.path))
                return error_set(err, ENOTSUP, "%s is mapped, and cannot be told from others", path);
        row.device = st.st_dev;
        row.inode = st.st_ino;
        row.size = (uint64_t)st.st_size;
        row.changed = st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
        snprintf(row.path, sizeof(row.path), "%s", path);
        for (size_t i = 0; i < m->origins.len / sizeof(row); i++)
                if (memcmp(&have[i], &row, sizeof(row)) == 0)
                        return 0;
        buf_add(&m->origins, &row, sizeof(row));
        return 0;
}

static int open_file(const struct making *m, const struct area *a, struct error *err)
{
        char name[64];
        int fd;

        snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, a->start, a->end);
        fd = openat(m->proc, name, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open what a process has mapped") : fd;
}

static bool is_image(const struct making *m, int file)
{
        struct stat st;

        return m->is_thawed && fstat(file, &st) == 0 && st.st_ino == m->thawed.st_ino && st.st_dev == m->thawed.st_dev;
}

/* What another image was made of, ours is of, too: its own pages are written again. */
static int take_image(struct making *m, const struct area *a, struct error *err)
{
        own_fd int file = open_file(m, a, err);
        own_mem void *rows = NULL;
        struct process_head h;
        size_t size;

        if (file < 0)
                return file;
        if (fstat(file, &m->thawed) < 0 || pread(file, &h, sizeof(h), 0) != sizeof(h) || h.magic != PROCESS_MAGIC ||
            h.origins.count > PROCESS_HEAD_MAX / sizeof(struct process_origin))
                return error_set(err, ENOTSUP, "the process began as one of an unknown kind");
        size = h.origins.count * sizeof(struct process_origin);
        rows = malloc(size + 1);
        if (!rows)
                return error_set(err, ENOMEM, "out of memory");
        if (pread(file, rows, size, h.origins.offset) != (ssize_t)size)
                return error_set(err, ENOTSUP, "the process began as one of an unknown kind");
        buf_add(&m->origins, rows, size);
        return 0;
}

static int take_area(struct making *m, int pagemap, struct area *a, uint64_t inode, const char *path, struct error *err)
{
        own_fd int file = inode ? open_file(m, a, err) : -1;
        int r = inode && file < 0 ? file : 0;

        /* What is of its files, or is written, the file is not needed for again. */
        if (r == 0 && inode && !is_apart(m, a->start) && !is_image(m, file))
                r = add_origin(m, file, path, err);
        a->file = file;
        if (r == 0 && strcmp(path, "[stack]") == 0 && !m->is_thawed)
                add_mapping(m, a->end - STACK, a->start, PROCESS_EMPTY, a->protection);
        return r == 0 ? write_area(m, pagemap, a, err) : r;
}

/* ---- all of them ---- */

static bool is_the_kernels(const char *path)
{
        return strncmp(path, "[v", 2) == 0 && strcmp(path, "[vsyscall]") != 0;
}

/* START-END MODE OFFSET DEVICE INODE PATH (proc_pid_maps(5)); 0 or -1. */
static int read_line(const char *line, struct area *a, const char **ret_mode, uint64_t *ret_inode, char path[PATH])
{
        char *at;
        size_t len;

        a->start = strtoull(line, &at, 16);
        if (*at != '-')
                return -1;
        a->end = strtoull(at + 1, &at, 16);
        if (strlen(at) < 6)
                return -1;
        *ret_mode = at + 1;
        a->offset = strtoull(at + 6, &at, 16);
        at = *at == ' ' ? strchr(at + 1, ' ') : NULL;
        if (!at)
                return -1;
        *ret_inode = strtoull(at, &at, 10);
        at += strspn(at, " ");
        len = strcspn(at, "\n");
        if (len >= PATH)
                return -1;
        memcpy(path, at, len);
        path[len] = '\0';
        return 0;
}

static int take_line(struct making *m, int pagemap, const char *line, struct error *err)
{
        char path[PATH];
        const char *mode;
        struct area a = { .file = -1 };
        uint64_t inode = 0;

        if (read_line(line, &a, &mode, &inode, path) < 0)
                return error_set(err, ENOTSUP, "the kernel lists memory in a way that is not known");
        if (strcmp(path, "[vsyscall]") == 0)
                return 0;
        /* What had it begin stands there. */
        if (m->is_thawed && a.end <= PROCESS_LOWEST)
                return a.start == PROCESS_HEAD_AT ? take_image(m, &a, err) : 0;
        if (a.start < PROCESS_LOWEST || a.end > PROCESS_HIGHEST)
                return error_set(err, ENOTSUP, "the process has memory where none is expected");
        if (is_the_kernels(path)) {
                const struct process_vdso row = { a.start, a.end - a.start };

                buf_add(&m->vdso, &row, sizeof(row));
                return 0;
        }
        if (mode[3] != 'p')
                return error_set(err, ENOTSUP, "the process shares memory with others");
        a.protection =
                (mode[0] == 'r' ? PROT_READ : 0) | (mode[1] == 'w' ? PROT_WRITE : 0) | (mode[2] == 'x' ? PROT_EXEC : 0);
        return take_area(m, pagemap, &a, inode, path, err);
}

int making_write_memory(struct making *m, struct error *err)
{
        own_fd int pagemap = openat(m->proc, "pagemap", O_RDONLY | O_CLOEXEC);
        own_buf struct buf maps = {};
        int r = pagemap < 0 ? error_errno(err, errno, "read the memory of a process") : 0;
        const char *line;

        if (r == 0)
                r = making_read_text(m, "maps", &maps, err);
        if (r == 0)
                r = name_memory_files(m, err);
        for (line = r < 0 ? NULL : buf_str(&maps); r == 0 && line && *line; line = strchr(line, '\n') + 1)
                r = take_line(m, pagemap, line, err);
        if (r == 0)
                map_parts(m);
        return r;
}
#endif
