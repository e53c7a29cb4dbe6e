/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "process_image/format.h"
#include "process_image/process_image.h"
#include "sys/fd.h"

void process_image_finish(struct process_image *p)
{
        if (p->head)
                munmap(p->head, p->length);
        if (p->file >= 0)
                close(p->file);
        free(p->words);
        *p = (struct process_image){ .file = -1 };
}

/* ---- is it good? ---- */

static const void *rows(const struct process_image *p, const struct process_table *t)
{
        return (const char *)p->head + t->offset;
}

static bool is_inside(const struct process_image *p, const struct process_table *t, size_t size)
{
        return t->offset <= p->length && t->count <= (p->length - t->offset) / size &&
               (size == 1 || t->offset % sizeof(uint64_t) == 0);
}

/* Where no process has anything, holt-thaw stands itself; behind a file's end there is nothing to map. */
static bool is_mapping(const struct process_image *p, const struct process_mapping *m)
{
        const struct process_head *h = p->head;
        const struct process_memory_file *others = rows(p, &h->memory_files);
        uint64_t size;

        if (m->start < PROCESS_LOWEST || m->start > PROCESS_HIGHEST || m->length > PROCESS_HIGHEST - m->start)
                return false;
        if (m->file > h->memory_files.count)
                return false;
        size = m->file ? others[m->file - 1].size : h->size;
        return m->offset == PROCESS_EMPTY || (m->offset <= size && m->length <= size - m->offset);
}

static int check_mappings(const struct process_image *p, struct error *err)
{
        const struct process_head *h = p->head;
        const struct process_mapping *m = rows(p, &h->mappings);

        for (uint32_t i = 0; i < h->mappings.count; i++)
                if (!is_mapping(p, &m[i]))
                        return error_set(err, EBADMSG, "the image of a process is damaged");
        return 0;
}

static int check_boot(const struct process_head *h, struct error *err)
{
        char boot[sizeof(h->boot)] = "";
        ssize_t n = fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));

        if (n <= 0)
                return error_errno(err, n < 0 ? (int)-n : EIO, "read the host's boot_id");
        if (memcmp(boot, h->boot, sizeof(boot)) != 0)
                return error_set(err, ESTALE, "the image of a process is older than the host's last start");
        return 0;
}

static int check_head(const struct process_image *p, uint64_t size, struct error *err)
{
        const struct process_head *h = p->head;

        if (h->magic != PROCESS_MAGIC || h->size != size || h->length != p->length ||
            !is_inside(p, &h->mappings, sizeof(struct process_mapping)) ||
            !is_inside(p, &h->threads, sizeof(struct process_thread)) ||
            !is_inside(p, &h->signals, sizeof(struct process_signal)) ||
            !is_inside(p, &h->vdso, sizeof(struct process_vdso)) ||
            !is_inside(p, &h->files, sizeof(struct process_file)) ||
            !is_inside(p, &h->origins, sizeof(struct process_origin)) || !is_inside(p, &h->arguments, 1) ||
            !is_inside(p, &h->memory_files, sizeof(struct process_memory_file)) || !h->threads.count ||
            h->name[sizeof(h->name) - 1])
                return error_set(err, EBADMSG, "the image of a process is damaged");
        return check_boot(h, err);
}

static bool is_same(const struct process_origin *o, const struct stat *st)
{
        return st->st_dev == o->device && st->st_ino == o->inode && (uint64_t)st->st_size == o->size &&
               st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec == o->changed;
}

static int check_origins(const struct process_image *p, struct error *err)
{
        const struct process_head *h = p->head;
        const struct process_origin *o = rows(p, &h->origins);

        for (uint32_t i = 0; i < h->origins.count; i++) {
                struct stat st = {};

                if (o[i].path[sizeof(o[i].path) - 1])
                        return error_set(err, EBADMSG, "the image of a process is damaged");
                if (stat(o[i].path, &st) < 0 && errno != ENOENT && errno != ENOTDIR)
                        return error_errno(err, errno, "%s", o[i].path);
                if (!is_same(&o[i], &st))
                        return error_set(err, ESTALE, "%.200s is another than when a process was kept", o[i].path);
        }
        return 0;
}

static int check_memory_files(const struct process_image *p, struct error *err)
{
        const struct process_head *h = p->head;
        const struct process_memory_file *f = rows(p, &h->memory_files);
        struct stat st;

        if (p->n_files != h->memory_files.count)
                return error_set(err, EBADMSG, "the image of a process is of other memory");
        for (size_t i = 0; i < p->n_files; i++)
                if (fstat(p->files[i], &st) < 0 || st.st_dev != f[i].device || st.st_ino != f[i].inode ||
                    (uint64_t)st.st_size != f[i].size ||
                    st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec != f[i].changed)
                        return error_set(err, EBADMSG, "the image of a process is of other memory");
        return 0;
}

/* ---- opening ---- */

static int map_head(struct process_image *p, uint64_t size, struct error *err)
{
        struct process_head h;
        void *at;

        if (pread(p->file, &h, sizeof(h), 0) != sizeof(h) || h.magic != PROCESS_MAGIC || h.length < sizeof(h) ||
            h.length > PROCESS_HEAD_MAX || h.length > size)
                return error_set(err, EBADMSG, "the image of a process is damaged");
        at = mmap(NULL, h.length, PROT_READ, MAP_PRIVATE, p->file, 0);
        if (at == MAP_FAILED)
                return error_errno(err, errno, "read the image of a process");
        p->head = at;
        p->length = h.length;
        return 0;
}

static int list_arguments(struct process_image *p, struct error *err)
{
        const struct process_head *h = p->head;
        const char *text = rows(p, &h->arguments);
        size_t n = 0;
        const char **v;

        for (uint32_t i = 0; i < h->arguments.count; i++)
                n += !text[i];
        v = calloc(n + 1, sizeof(*v));
        if (!v)
                return error_set(err, ENOMEM, "out of memory");
        p->words = v;
        for (size_t i = 0; i < n; i++, text += strlen(text) + 1)
                v[i] = text;
        p->arguments = v;
        p->name = h->name;
        p->tag = h->tag;
        p->apart = h->apart;
        return 0;
}

int process_image_open(int file, const int *files, size_t n_files, struct process_image *ret, struct error *err)
{
        own_process_image struct process_image p = { .file = file, .files = files, .n_files = n_files };
        struct stat st;
        int r = fstat(file, &st) < 0 ? error_errno(err, errno, "read the image of a process") : 0;

        *ret = (struct process_image){ .file = -1 };
        if (r == 0)
                r = map_head(&p, (uint64_t)st.st_size, err);
        if (r == 0)
                r = check_head(&p, (uint64_t)st.st_size, err);
        if (r == 0)
                r = check_mappings(&p, err);
        if (r == 0)
                r = check_origins(&p, err);
        if (r == 0)
                r = check_memory_files(&p, err);
        if (r == 0)
                r = list_arguments(&p, err);
        if (r < 0)
                return r;
        *ret = p;
        p = (struct process_image){ .file = -1 };
        return 0;
}

/* ---- descriptors ---- */

enum { ABOVE = PROCESS_IMAGE_FD + PROCESS_APART_MAX + 1, KEPT_FLAGS = O_NONBLOCK | O_APPEND };

static int open_new(const struct process_file *f)
{
        sigset_t signals;

        switch (f->kind) {
        case PROCESS_FILE_NULL:
                return open("/dev/null", (int)(f->flags & O_ACCMODE) | O_CLOEXEC);
        case PROCESS_FILE_EVENT:
                return eventfd((unsigned)f->value, EFD_CLOEXEC);
        case PROCESS_FILE_EPOLL:
                return epoll_create1(EPOLL_CLOEXEC);
        case PROCESS_FILE_EMPTY:
                return memfd_create("empty", MFD_CLOEXEC);
        case PROCESS_FILE_SIGNALS:
                sigemptyset(&signals);
                memcpy(&signals, &f->value, sizeof(f->value));
                return signalfd(-1, &signals, SFD_CLOEXEC);
        default:
                return -1;
        }
}

static int place_file(const struct process_file *f, const int *given, size_t n_given)
{
        bool is_given = f->kind == PROCESS_FILE_GIVEN;
        own_fd int made = is_given ? -1 : open_new(f);
        int from = is_given && f->value < n_given ? given[f->value] : made;

        if (f->fd >= PROCESS_IMAGE_FD || from < 0)
                return -EBADF;
        if (made == (int)f->fd) {
                if (fcntl(made, F_SETFD, 0) < 0)
                        return -errno;
                take_fd(&made);
        } else if (dup2(from, (int)f->fd) < 0)
                return -errno;
        /* Of what is given that is a property of what we share with nobody. */
        return fcntl((int)f->fd, F_SETFL, (int)(f->flags & KEPT_FLAGS)) < 0 ? -errno : 0;
}

int process_image_given(const struct process_image *p, uint32_t value)
{
        const struct process_head *h = p->head;
        const struct process_file *f = rows(p, &h->files);

        for (uint32_t i = 0; i < h->files.count; i++)
                if (f[i].kind == PROCESS_FILE_GIVEN && f[i].value == value)
                        return (int)f[i].fd;
        return -1;
}

/* Where holt-thaw looks for them. */
static int place_memory(const int *above, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (dup2(above[i], PROCESS_IMAGE_FD + (int)i) < 0)
                        return -errno;
        return 0;
}

static int move_above(const int *from, size_t n, int *ret)
{
        for (size_t i = 0; i < n; i++) {
                ret[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, ABOVE);
                if (from[i] >= 0 && ret[i] < 0)
                        return -errno;
        }
        return 0;
}

int process_image_place(const struct process_image *p, const int *given, size_t n_given)
{
        const struct process_head *h = p->head;
        const struct process_file *f = rows(p, &h->files);
        int above[16] = {}, memory[1 + PROCESS_APART_MAX] = {}, r;

        if (n_given > ARRAY_SIZE(above) || p->n_files > PROCESS_APART_MAX)
                return -E2BIG;
        /* Out of the way. */
        r = move_above(given, n_given, above);
        if (r == 0)
                r = move_above(&p->file, 1, memory);
        if (r == 0)
                r = move_above(p->files, p->n_files, memory + 1);
        if (r < 0)
                return r;
        close_range(0, PROCESS_IMAGE_FD, 0);
        for (uint32_t i = 0; i < h->files.count && r == 0; i++)
                r = place_file(&f[i], above, n_given);
        return r == 0 ? place_memory(memory, 1 + p->n_files) : r;
}
