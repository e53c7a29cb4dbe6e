/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/making.h"
#include "sys/fd.h"

enum { MAX_TEXT = 1 << 20 };

int making_read_text(const struct making *m, const char *name, struct buf *ret, struct error *err)
{
        own_fd int fd = openat(m->proc, name, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_TEXT, ret);

        return r < 0 ? error_errno(err, -r, "read /proc/%d/%s", (int)m->pid, name) : 0;
}

#ifdef __x86_64__

static void finish(struct making *m)
{
        struct buf *const tables[] = { &m->mappings, &m->thread_table, &m->signals,   &m->vdso,
                                       &m->files,    &m->origins,      &m->arguments, &m->memory_files };

        making_release(m);
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
                buf_finish(tables[i]);
        if (m->memory >= 0)
                close(m->memory);
        if (m->proc >= 0)
                close(m->proc);
}

static bool is_thawed(const struct making *m)
{
        static const char program[] = "/holt-thaw";
        char path[4096];
        ssize_t n = readlinkat(m->proc, "exe", path, sizeof(path));

        return n >= (ssize_t)strlen(program) && memcmp(path + n - strlen(program), program, strlen(program)) == 0;
}

static int begin(struct making *m, struct error *err)
{
        char path[32];

        snprintf(path, sizeof(path), "/proc/%d", (int)m->pid);
        m->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        m->memory = m->proc < 0 ? -1 : openat(m->proc, "mem", O_RDONLY | O_CLOEXEC);
        m->is_thawed = m->memory >= 0 && is_thawed(m);
        return m->memory < 0 ? error_errno(err, errno, "look into process %d", (int)m->pid) : 0;
}

/* ---- the head ---- */

static void place(struct process_table *t, const struct buf *rows, size_t size, uint32_t *at)
{
        *t = (struct process_table){ .offset = *at, .count = (uint32_t)(rows->len / size) };
        *at += (uint32_t)((rows->len + 63) & ~(size_t)63);
}

static int write_table(const struct making *m, const struct process_table *t, const struct buf *rows)
{
        return !rows->len || pwrite(m->file, rows->data, rows->len, t->offset) == (ssize_t)rows->len ? 0 : -EIO;
}

static void name_origin(const struct making *m, struct process_head *h)
{
        ssize_t n;

        if (fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", h->boot, sizeof(h->boot)) <= 0)
                h->boot[0] = '\0';
        n = fd_read_file_at(m->proc, "comm", h->name, sizeof(h->name));
        if (n > 0 && h->name[n - 1] == '\n')
                h->name[n - 1] = '\0';
}

/* Last: it is what makes the file one. */
static int write_head(struct making *m, struct error *err)
{
        struct process_head h = { .magic = PROCESS_MAGIC, .tag = m->tag, .apart = m->apart ? m->apart->start : 0 };
        const struct {
                struct process_table *table;
                const struct buf *rows;
                size_t size;
        } tables[] = {
                { &h.threads, &m->thread_table, sizeof(struct process_thread) },
                { &h.mappings, &m->mappings, sizeof(struct process_mapping) },
                { &h.signals, &m->signals, sizeof(struct process_signal) },
                { &h.vdso, &m->vdso, sizeof(struct process_vdso) },
                { &h.files, &m->files, sizeof(struct process_file) },
                { &h.origins, &m->origins, sizeof(struct process_origin) },
                { &h.arguments, &m->arguments, 1 },
                { &h.memory_files, &m->memory_files, sizeof(struct process_memory_file) },
        };
        uint32_t at = (sizeof(h) + 63) & ~63U;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                if (buf_failed(tables[i].rows) || tables[i].rows->len > PROCESS_HEAD_MAX - at - MAKING_PAGE)
                        return error_set(err, ENOTSUP, "the process has too much of everything");
                place(tables[i].table, tables[i].rows, tables[i].size, &at);
        }
        name_origin(m, &h);
        h.length = (at + MAKING_PAGE - 1) & ~(uint64_t)(MAKING_PAGE - 1);
        h.size = m->end;
        for (size_t i = 0; i < ARRAY_SIZE(tables) && r == 0; i++)
                r = write_table(m, tables[i].table, tables[i].rows);
        if (r == 0 && (ftruncate(m->file, (off_t)m->end) < 0 || pwrite(m->file, &h, sizeof(h), 0) != sizeof(h)))
                r = -EIO;
        return r < 0 ? error_errno(err, -r, "write the image of a process") : 0;
}

/* ---- all of it ---- */

static int make(struct making *m, const struct process_given *given, size_t n_given, struct error *err)
{
        int r = begin(m, err);

        if (r == 0)
                r = making_stop(m, err);
        if (r == 0)
                r = making_read_threads(m, err);
        if (r == 0)
                r = making_read_signals(m, err);
        if (r == 0)
                r = making_read_files(m, given, n_given, err);
        if (r == 0)
                r = making_write_memory(m, err);
        making_release(m);
        if (r == 0)
                r = making_read_text(m, "cmdline", &m->arguments, err);
        return r == 0 ? write_head(m, err) : r;
}

int process_image_make(pid_t pid, const struct process_given *given, size_t n_given, const struct process_apart *apart,
                       uint64_t tag, int file, struct error *err)
{
        struct making m = {
                .pid = pid, .proc = -1, .memory = -1, .file = file, .end = PROCESS_HEAD_MAX, .apart = apart, .tag = tag
        };
        int r = make(&m, given, n_given, err);

        finish(&m);
        return r;
}

#else

int process_image_make(pid_t pid, const struct process_given *given, size_t n_given, const struct process_apart *apart,
                       uint64_t tag, int file, struct error *err)
{
        return error_set(err, ENOTSUP, "processes of this kind of machine cannot be kept");
}

#endif
