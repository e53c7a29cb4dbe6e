/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that runs becomes a template: the agent lets the program stand still and falls silent, QEMU stops, and what
 * it has of memory, devices and disk is copied. Then all goes on. Nothing may be on its way between the agent and us
 * meanwhile: one half of it would be in the copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "monitor/save_memory.h"
#include "sys/fd.h"
#include "sys/sparse_copy.h"
#include "vm/device_state.h"
#include "vm/guest_memory.h"

/* FILE_SET: a number that nothing else of the machine's has. */
enum { ANSWER_MS = 60000, FILE_SET = 100000 };

#define SAVE_STATE "{\"filename\":\"/dev/fdset/100000\",\"live\":false}"
#define FORGET_FILE "{\"fdset-id\":100000}"

/* ---- the parts ---- */

static int make_file(int directory, const char *name, struct error *err)
{
        int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);

        return fd < 0 ? error_errno(err, errno, "make %s of a template", name) : fd;
}

/* QEMU gets a descriptor that can only be written. */
static int open_for_qemu(int fd, struct error *err)
{
        char path[32];
        int r;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = open(path, O_WRONLY | O_CLOEXEC);
        return r < 0 ? error_errno(err, errno, "open a file in memory") : r;
}

static int ask_for_state(struct monitor *m, int fd, struct error *err)
{
        struct error ignored;
        int r = qmp_send_file(&m->qmp, FILE_SET, fd, err);

        if (r == 0)
                r = qmp_answer(&m->qmp, "add-fd", ANSWER_MS, NULL, err);
        if (r == 0)
                r = qmp_execute(&m->qmp, "xen-save-devices-state", SAVE_STATE, ANSWER_MS, NULL, err);
        qmp_execute(&m->qmp, "remove-fd", FORGET_FILE, ANSWER_MS, NULL, &ignored);
        return r;
}

static int save_state(struct monitor *m, int directory, struct error *err)
{
        own_fd int raw = memfd_create("state", MFD_CLOEXEC), theirs = -1, to = make_file(directory, "state", err);
        int r = raw < 0 ? error_errno(err, errno, "make a file in memory") : to;

        if (r >= 0)
                r = theirs = open_for_qemu(raw, err);
        if (r >= 0)
                r = ask_for_state(m, theirs, err);
        return r == 0 ? device_state_copy(raw, to, err) : r;
}

static int save_disk(const struct monitor *m, int directory, struct error *err)
{
        own_fd int from = open(m->job.disk, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to = make_file(directory, "disk", err);
        struct stat st;
        int r;

        if (from < 0 || to < 0 || fstat(from, &st) < 0 || fchmod(to, 0600) < 0)
                return to < 0 ? to : error_errno(err, errno, "open the disk of the machine");
        r = sparse_copy(from, to, st.st_size);
        return r < 0 ? error_errno(err, -r, "copy the disk of the machine") : 0;
}

/* ---- all of it ---- */

/* QEMU stands still. Its process is kept where that can be done: a copy begins sooner. */
static int save_frozen(struct monitor *m, const struct guest_memory *memory, struct saved_memory *to, struct error *err)
{
        struct error ignored;
        int r = saved_memory_copy(to, memory, err);

        if (r == 0)
                r = save_state(m, to->directory, err);
        if (r == 0)
                r = save_disk(m, to->directory, err);
        if (r == 0)
                monitor_freeze_whole(m, memory, to, &ignored);
        return r;
}

static int save_moment(struct monitor *m, const struct guest_memory *memory, struct saved_memory *to, struct error *err)
{
        struct error why;
        int r = saved_memory_begin(to, m, memory, err), back;

        if (r == 0)
                r = qmp_execute(&m->qmp, "stop", NULL, ANSWER_MS, NULL, err);
        if (r < 0)
                return r;
        r = save_frozen(m, memory, to, err);
        back = qmp_execute(&m->qmp, "cont", NULL, ANSWER_MS, NULL, &why);
        if (r == 0 && back < 0) {
                *err = why;
                r = back;
        }
        return r;
}

static int seal(struct monitor *m, const struct tsc_sample *since, int directory, struct template_manifest *manifest,
                struct error *err)
{
        int r = monitor_find_key(m, manifest->key, err);

        if (r == 0)
                r = qmp_version(&m->qmp, ANSWER_MS, manifest->qemu, sizeof(manifest->qemu), err);
        if (r < 0)
                return r;
        monitor_describe_template(m, since, manifest);
        return template_seal(directory, manifest, err);
}

static int copy_all(struct monitor *m, int directory, struct template_manifest *manifest, struct error *err)
{
        own_saved_memory struct saved_memory to = { .directory = directory,
                                                    .origin = { .memory = -1, .state = -1 },
                                                    .manifest = manifest };
        own_guest_memory struct guest_memory memory = {};
        own_fd int file = make_file(directory, "memory", err);
        int r = file;

        to.file = file;
        if (r >= 0)
                r = guest_memory_open(monitor_find_qemu(m), m->memory_at, (uint64_t)m->job.memory_mib << 20, &memory,
                                      err);
        return r == 0 ? save_moment(m, &memory, &to, err) : r;
}

/* What was said meanwhile is heard. */
static void go_on(struct monitor *m)
{
        m->is_suspended = false;
        buf_add(&m->out, m->unheard.data, m->unheard.len);
        m->out.failed |= buf_failed(&m->unheard);
        buf_finish(&m->unheard);
}

/* The program does not wait for what is left to do when all is copied. */
static int save(struct monitor *m, struct error *err)
{
        own_fd int directory = open(m->save, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct tsc_sample since = tsc_now();
        struct template_manifest manifest = {};
        int r = directory < 0 ? error_errno(err, errno, "open %s", m->save) : copy_all(m, directory, &manifest, err);

        channel_send(m, PROTOCOL_RESUME, SESSION_GUEST, NULL, 0);
        go_on(m);
        channel_flush(m);
        return r == 0 ? seal(m, &since, directory, &manifest, err) : r;
}

/* ---- with the agent ---- */

static int check(const struct monitor *m, struct error *err)
{
        if (!m->job.spec || m->has_exited || m->is_ending)
                return error_set(err, ESRCH, "its program has ended");
        if (m->is_paused)
                return error_set(err, EBUSY, "it is paused: unpause it first");
        if (m->memory_wanted != m->job.memory_mib)
                return error_set(err, ENOTSUP, "its memory was changed while it ran (holt update): restart it first");
        if (!m->job.disk)
                return error_set(err, ENOTSUP, "it has no disk of its own");
        return 0;
}

int save_begin(struct monitor *m, const struct frame *f, struct error *err)
{
        int r = check(m, err);

        if (r < 0)
                return r;
        m->save = strndup((const char *)f->payload, f->len);
        if (!m->save)
                return error_set(err, ENOMEM, "out of memory");
        m->saved = (struct error){};
        channel_send(m, PROTOCOL_SUSPEND, SESSION_GUEST, NULL, 0);
        m->is_suspended = true;
        return 0;
}

static void end(struct monitor *m)
{
        free(m->save);
        m->save = NULL;
}

int save_step(struct monitor *m, const struct frame *f, struct error *err)
{
        if (m->is_suspended && f->type == PROTOCOL_DONE) {
                if (save(m, &m->saved) == 0)
                        m->saved = (struct error){};
                return 1;
        }
        if (m->is_suspended)
                go_on(m);
        end(m);
        if (f->type != PROTOCOL_DONE || !m->saved.code)
                return 0;
        *err = m->saved;
        return -err->code;
}
