/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMUs that begin as one that was kept (process_image/process_image.h): it had loaded the template, had walked through what each
 * start does, and was stopped. What it has translated of the guest is theirs. Then it is as with one that waited
 * (pool.h): they get the job's disks, and go on.
 *
 * The image is the file "process" beside the template that it came from, and goes with it; what the guest has not written
 * is the template's. Whoever finds that it is no good removes it, and the next one that waits is kept instead. One that
 * never answers is no good either: whoever came next would wait as long. What the host lacks for the moment is not its
 * fault.
 *
 * A template of a machine that ran has one, too: that machine's own QEMU as it stood, with all that it had translated.
 * All of the guest's memory is in the template's files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "monitor/save_memory.h"
#include "vm/guest_memory.h"
#include "vm/template_pages.h"
#include "sys/fd.h"

/* It rests soon. */
enum { TRIES = 20, PAUSE_NS = 20000000 };

static int open_place(const struct monitor *m, const char *key, struct error *err)
{
        own_mem char *path = NULL;
        int fd;

        if (asprintf(&path, "%s/%s", m->job.templates, key) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

/* ---- keeping one ---- */

/* One at a time; what a killed one has left is written over. */
static int open_part(int place, struct error *err)
{
        own_fd int fd = openat(place, TEMPLATE_PROCESS_PART, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0400);

        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0)
                return error_errno(err, errno, "write the image of a process");
        return take_fd(&fd);
}

static int write_process(const struct monitor *m, const struct guest_memory *memory, const struct process_apart *apart,
                         int file, struct error *err)
{
        static const struct timespec pause = { .tv_nsec = PAUSE_NS };
        struct process_given given[MONITOR_ENDS];
        int r;

        for (uint32_t i = 0; i < MONITOR_ENDS; i++)
                given[i] = (struct process_given){ m->ends[i], i };
        r = process_image_make(memory->pid, given, MONITOR_ENDS, apart, m->disks, file, err);
        for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
                nanosleep(&pause, NULL);
                r = process_image_make(memory->pid, given, MONITOR_ENDS, apart, m->disks, file, err);
        }
        return r;
}

/* It has loaded the template: its memory is one mapping of that, and what it has written. */
static int list_parts(const struct guest_memory *memory, struct buf *parts, struct error *err)
{
        own_buf struct buf unchanged = {};
        const struct guest_segment *s;
        int r = guest_memory_list_unchanged(memory, &unchanged, err);

        s = (const struct guest_segment *)unchanged.data;
        for (size_t i = 0; r == 0 && i < unchanged.len / sizeof(*s); i++) {
                const struct process_part part = { .start = s[i].start, .length = s[i].length, .offset = s[i].offset };

                buf_add(parts, &part, sizeof(part));
        }
        if (r == 0 && (memory->n_segments != 1 || buf_failed(parts)))
                r = error_set(err, ENOTSUP, "the memory of the guest is in too many parts");
        return r;
}

static int write_rehearsed(const struct monitor *m, int part, struct error *err)
{
        own_guest_memory struct guest_memory memory = {};
        own_buf struct buf parts = {};
        int r = guest_memory_open(monitor_find_qemu(m), m->memory_at, (uint64_t)m->job.memory_mib << 20, &memory, err);

        if (r == 0)
                r = list_parts(&memory, &parts, err);
        if (r == 0) {
                const struct process_apart apart = { .start = memory.start,
                                                     .length = memory.size,
                                                     .parts = (const struct process_part *)parts.data,
                                                     .n_parts = parts.len / sizeof(*apart.parts),
                                                     .files = &memory.segments[0].file,
                                                     .n_files = 1 };

                r = write_process(m, &memory, &apart, part, err);
        }
        return r;
}

static int write_image(const struct monitor *m, int place, struct error *err)
{
        own_fd int part = open_part(place, err);
        int r = part < 0 ? part : write_rehearsed(m, part, err);

        if (r == 0 && renameat(place, TEMPLATE_PROCESS_PART, place, TEMPLATE_PROCESS) < 0)
                r = error_errno(err, errno, "keep the image of a process");
        if (r < 0 && part >= 0)
                unlinkat(place, TEMPLATE_PROCESS_PART, 0);
        return r;
}

int monitor_freeze(struct monitor *m, const char *key, struct error *err)
{
        own_fd int place = open_place(m, key, err);

        if (place < 0)
                return place;
        return faccessat(place, TEMPLATE_PROCESS, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : write_image(m, place, err);
}

static int list_whole(const struct guest_memory *memory, const struct saved_memory *with, struct buf *parts)
{
        const struct template_extent *e = (const struct template_extent *)with->extents.data;
        const struct process_part all = { .length = memory->size };

        for (size_t i = 0; i < with->extents.len / sizeof(*e); i++) {
                const struct process_part part = { e[i].start, e[i].length, e[i].offset, e[i].file };

                buf_add(parts, &part, sizeof(part));
        }
        if (with->n_files == 1)
                buf_add(parts, &all, sizeof(all));
        return buf_failed(parts) ? -ENOMEM : 0;
}

static int write_whole(struct monitor *m, const struct guest_memory *memory, const struct saved_memory *with, int to,
                       struct error *err)
{
        own_buf struct buf parts = {};
        int r = list_whole(memory, with, &parts);
        const struct process_apart apart = { .start = memory->start,
                                             .length = memory->size,
                                             .parts = (const struct process_part *)parts.data,
                                             .n_parts = parts.len / sizeof(struct process_part),
                                             .files = with->files,
                                             .n_files = with->n_files };

        return r < 0 ? error_errno(err, -r, "keep a process") : write_process(m, memory, &apart, to, err);
}

int monitor_freeze_whole(struct monitor *m, const struct guest_memory *memory, const struct saved_memory *with,
                         struct error *err)
{
        own_fd int to = -1;
        int r;

        if (m->accelerator != ACCELERATOR_TCG)
                return error_set(err, ENOTSUP, "there is nothing to be gained");
        to = openat(with->directory, TEMPLATE_PROCESS, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (to < 0)
                return error_errno(err, errno, "write the image of a process");
        r = write_whole(m, memory, with, to, err);
        if (r < 0)
                unlinkat(with->directory, TEMPLATE_PROCESS, 0);
        return r;
}

/* ---- beginning as it ---- */

/* It answers when it is there. */
static int begin(struct monitor *m, int file, const int *files, size_t n_files, struct error *err)
{
        own_process_image struct process_image image = { .file = -1 };
        const struct qemu_start how = { .is_clone = true, .memory = -1, .image = &image };
        int r = process_image_open(file, files, n_files, &image, err);

        if (r == 0)
                r = monitor_start_qemu(m, &how, err);
        if (r == 0 && m->job.n_layers)
                return monitor_give_disks(m, err);
        return r == 0 ? qmp_execute(&m->qmp, "query-status", NULL, MONITOR_ANSWER_MS, NULL, err) : r;
}

/* Unless another has put a better one in its place. */
static void remove_image(int place, const struct stat *of)
{
        struct stat st;

        if (fstatat(place, TEMPLATE_PROCESS, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == of->st_ino &&
            st.st_dev == of->st_dev)
                unlinkat(place, TEMPLATE_PROCESS, 0);
}

bool monitor_has_image(const struct monitor *m, const char *key)
{
        own_fd int place = open_place(m, key, NULL);

        return place >= 0 && faccessat(place, TEMPLATE_PROCESS, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int monitor_thaw(struct monitor *m, const char *key, struct error *err)
{
        own_fd int place = open_place(m, key, err), memory = -1;
        int file = place < 0 ? -1 : openat(place, TEMPLATE_PROCESS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
        struct stat st;

        if (file < 0)
                return 1;
        if (fstat(file, &st) < 0) {
                close(file);
                return 1;
        }
        memory = openat(place, TEMPLATE_MEMORY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        r = begin(m, file, &memory, 1, err);
        if (r == 0)
                return 0;
        if (monitor_is_blamed(m, r))
                remove_image(place, &st);
        monitor_forget_qemu(m);
        return 1;
}

int monitor_open_whole(int directory)
{
        return openat(directory, TEMPLATE_PROCESS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int monitor_thaw_whole(struct monitor *m, int image, const struct template *t, struct error *err)
{
        int files[1 + TEMPLATE_MAX_BASES] = { t->memory };

        if (image < 0)
                return 1;
        memcpy(files + 1, t->bases, t->n_bases * sizeof(*files));
        if (begin(m, image, files, 1 + t->n_bases, err) == 0)
                return 0;
        monitor_forget_qemu(m);
        return 1;
}
