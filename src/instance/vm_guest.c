/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_lock.h"
#include "instance/instance_record.h"
#include "instance/instance_root.h"
#include "instance/protocol.h"
#include "instance/vm_client.h"
#include "instance/vm_job.h"
#include "instance/vm_template.h"
#include "sys/process.h"
#include "sys/sibling_program.h"

/* What was written last may be much, and the host's disk slow. */
enum { END_MS = 120000 };

bool vm_guest_has_disk(const struct instance *i)
{
        own_fd int upper = openat(i->fd, i->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return upper >= 0 && faccessat(upper, VM_DISK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- one that runs ---- */

static int check_running(const struct engine *e, const struct instance *i, struct error *err)
{
        if (vm_is_paused(e->run, i->id, NULL) > 0)
                return error_set(err, EBUSY, "instance %s is paused, and its guest with it: unpause it first", i->name);
        return 0;
}

/* ---- one for this alone ---- */

static int open_program(struct error *err)
{
        char path[PATH_MAX];
        int r = sibling_program_find("holt-vm", path, err), fd;

        if (r < 0)
                return r;
        fd = open(path, O_PATH | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

static int write_job(struct engine *e, const struct instance *i, const struct instance_root *image, struct buf *out,
                     struct error *err)
{
        own_mem uint64_t *sizes = calloc(image->n_pins + 1, sizeof(*sizes));
        struct stat st;

        if (!sizes)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t n = 0; n < image->n_pins; n++) {
                if (fstat(image->pins[n], &st) < 0)
                        return error_errno(err, errno, "look at a layer");
                sizes[n] = (uint64_t)st.st_size;
        }
        return vm_job_write_bare(e, i, sizes, image->n_pins, out, err);
}

static int start(struct vm_guest *g, struct error *err)
{
        own_instance_root struct instance_root image = INSTANCE_ROOT_NONE;
        own_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC), program = -1;
        const int stdio[] = { null, null, null };
        struct start_job job = { .netns = -1 };
        struct error ignored;
        int master, r = instance_root_open_image(g->e, g->i, &image, err);

        if (r == 0)
                r = program = open_program(err);
        if (r >= 0)
                r = write_job(g->e, g->i, &image, &job.config, err);
        job.root = program;
        job.pins = image.pins;
        job.n_pins = image.n_pins;
        if (r == 0)
                r = backend_vm.start(g->e->run, g->i->id, g->i->path, &job, stdio, &g->pid, &master, err);
        buf_finish(&job.config);
        if (r < 0)
                backend_vm.destroy(g->e->run, g->i->id, &ignored);
        if (r < 0)
                return error_wrap(err, "start a guest to look at the disk of %s", g->i->name);
        g->pidfd = r;
        return 0;
}

/* A disk that is looked at is not the one any more that fits the memory. */
static int check_copy(const struct instance *i, struct error *err)
{
        return faccessat(i->fd, VM_COPY, F_OK, AT_SYMLINK_NOFOLLOW) < 0
                       ? 0
                       : error_set(err, EBUSY, "instance %s goes on where another stood: start it once first", i->name);
}

static int open_stopped(struct vm_guest *g, struct error *err)
{
        int q = check_copy(g->i, err);

        if (q < 0)
                return q;
        if (g->i->lock < 0) {
                int r = instance_lock_stopped(g->e, g->i, err);

                if (r < 0)
                        return error_wrap(err, "instance %s", g->i->name);
                g->unlock = true;
        }
        return start(g, err);
}

/* ---- both ---- */

int vm_guest_open(struct engine *e, struct instance *i, struct vm_guest *ret, struct error *err)
{
        own_vm_guest struct vm_guest g = VM_GUEST_NONE;
        int r;

        g.e = e;
        g.i = i;
        r = instance_is_running(i) ? check_running(e, i, err) : open_stopped(&g, err);
        if (r < 0)
                return r;
        *ret = g;
        g = (struct vm_guest)VM_GUEST_NONE;
        return 0;
}

int vm_guest_finish(struct vm_guest *g, struct error *err)
{
        struct pollfd p = { .fd = g->pidfd, .events = POLLIN };
        struct error ignored;
        int r = 0;

        if (g->pidfd >= 0) {
                r = vm_ask(g->e->run, g->i->id, PROTOCOL_SHUTDOWN, NULL, 0, err);
                if (r == 0 && poll(&p, 1, END_MS) <= 0)
                        r = error_set(err, ETIMEDOUT, "the guest does not end: what it wrote may be lost");
                if (r < 0)
                        process_signal(g->pidfd, SIGKILL);
                process_wait(g->pid);
                close(take_fd(&g->pidfd));
                backend_vm.destroy(g->e->run, g->i->id, &ignored);
        }
        if (g->unlock)
                instance_unlock(g->e, g->i->id, &g->i->lock);
        *g = (struct vm_guest)VM_GUEST_NONE;
        return r;
}

void vm_guest_close(struct vm_guest *g)
{
        struct error ignored;

        vm_guest_finish(g, &ignored);
}
