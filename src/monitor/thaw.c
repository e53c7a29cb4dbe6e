/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMUs that begin as one that was kept (process_image/process_image.h): it had loaded the template, had walked through what each
 * start does, and was stopped. What it has translated of the guest is theirs. Then it is as with one that waited
 * (pool.h): they get the job's disks, and go on.
 *
 * The image is the file "process" beside the template that it came from, and goes with it. Whoever finds that it is no
 * good removes it, and the next one that waits is kept instead. One that never answers is no good either: whoever came
 * next would wait as long. What the host lacks for the moment is not its fault.
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

/* The guard's only child. */
static pid_t find_qemu(const struct monitor *m)
{
        char path[64], text[32];

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)m->qemu, (int)m->qemu);
        return fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/* One at a time; what a killed one has left is written over. */
static int open_part(int place, struct error *err)
{
        own_fd int fd = openat(place, TEMPLATE_PROCESS_PART, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0400);

        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0)
                return error_errno(err, errno, "write the image of a process");
        return take_fd(&fd);
}

static int write_image(const struct monitor *m, int place, struct error *err)
{
        static const struct timespec pause = { .tv_nsec = PAUSE_NS };
        struct process_given given[MONITOR_ENDS];
        own_fd int part = open_part(place, err);
        int r = part < 0 ? part : 0;

        for (uint32_t i = 0; i < MONITOR_ENDS; i++)
                given[i] = (struct process_given){ m->ends[i], i };
        if (r == 0)
                r = process_image_make(find_qemu(m), given, MONITOR_ENDS, part, err);
        for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
                nanosleep(&pause, NULL);
                r = process_image_make(find_qemu(m), given, MONITOR_ENDS, part, err);
        }
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

/* ---- beginning as it ---- */

/* It answers when it is there. */
static int begin(struct monitor *m, int file, struct error *err)
{
        own_process_image struct process_image image = { .file = -1 };
        const struct qemu_start how = { .is_clone = true, .memory = -1, .image = &image };
        int r = process_image_open(file, &image, err);

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
        own_fd int place = open_place(m, key, err);
        int file = place < 0 ? -1 : openat(place, TEMPLATE_PROCESS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), r;
        struct stat st;

        if (file < 0)
                return 1;
        if (fstat(file, &st) < 0) {
                close(file);
                return 1;
        }
        r = begin(m, file, err);
        if (r == 0)
                return 0;
        if (monitor_is_blamed(m, r))
                remove_image(place, &st);
        monitor_forget_qemu(m);
        return 1;
}
