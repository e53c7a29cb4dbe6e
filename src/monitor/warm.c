/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/rehearsal.h"
#include "sys/fd.h"
#include "vm/writable_disk.h"

/* ---- what it is made with ---- */

/* The job of the rehearsal, and what it refers to. */
struct rehearsal {
        char cgroup[128], disk[64];
        uint64_t layer;
        struct buf guest, spec;
};

static void finish(struct rehearsal *r)
{
        buf_finish(&r->guest);
        buf_finish(&r->spec);
}

/* Its cgroup stands beside that of the instance. */
static void describe(struct rehearsal *r, const struct monitor_job *like, const char *name, struct monitor_job *ret)
{
        const char *slash = like->cgroup ? strrchr(like->cgroup, '/') : NULL;

        snprintf(r->cgroup, sizeof(r->cgroup), "%.*s%s", slash ? (int)(slash + 1 - like->cgroup) : 0,
                 like->cgroup ? like->cgroup : "", name);
        *ret = (struct monitor_job){ .cpus = like->cpus,
                                     .memory_mib = like->memory_mib,
                                     .kernel = like->kernel,
                                     .initramfs = like->initramfs,
                                     .cgroup = like->cgroup ? r->cgroup : NULL,
                                     .templates = like->templates };
}

/* Where an instance's are. QEMU refuses what could be written to. */
static int place_layer(struct rehearsal *r, struct monitor_job *j)
{
        unsigned char bytes[REHEARSAL_LAYER];
        own_fd int file = memfd_create("rehearsal", MFD_CLOEXEC), layer = -1;
        char path[32];
        int n;

        rehearsal_write_layer(bytes);
        n = file < 0 ? -errno : fd_write_all(file, bytes, sizeof(bytes));
        if (n < 0)
                return n;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
        layer = open(path, O_RDONLY | O_CLOEXEC);
        if (layer < 0 || dup3(layer, MONITOR_LAYERS, O_CLOEXEC) < 0)
                return -errno;
        r->layer = sizeof(bytes);
        j->layers = &r->layer;
        j->n_layers = 1;
        return 0;
}

static int make_disk(struct rehearsal *r, const struct monitor_job *like, struct monitor_job *j, struct error *err)
{
        struct stat st;

        if (!like->disk || stat(like->disk, &st) < 0)
                return 0;
        snprintf(r->disk, sizeof(r->disk), "/proc/self/fd/%d/disk", MONITOR_PLACE);
        j->disk = r->disk;
        return writable_disk_make(like->pool.root, (uint64_t)st.st_size, MONITOR_PLACE, "disk", err);
}

static int prepare(struct rehearsal *r, const struct monitor_job *like, struct monitor_job *j, struct error *err)
{
        int n = place_layer(r, j);

        if (n < 0)
                return error_errno(err, -n, "make a layer");
        n = make_disk(r, like, j, err);
        rehearsal_write_guest(like, &r->guest);
        rehearsal_write_spec(like, &r->spec);
        if (n == 0)
                n = json_parse(buf_str(&r->guest), r->guest.len, &j->guest, err);
        return n == 0 ? json_parse(buf_str(&r->spec), r->spec.len, &j->spec, err) : n;
}

/* ---- the machine ---- */

/* 1: it is one that has been kept already. */
static int load(struct monitor *m, const char *key, struct error *err)
{
        int64_t refused;

        if (monitor_thaw(m, key, err) == 0)
                return 1;
        return monitor_load(m, key, &refused, err);
}

static int run_once(struct monitor *m, struct error *err)
{
        int r = monitor_start_program(m, err);

        if (r == 0)
                r = monitor_run_beside(m, REHEARSAL_PROGRAM, REHEARSAL_BESIDE, err);
        if (r == 0)
                monitor_serve(m);
        if (r == 0 && !m->has_exited)
                r = error_set(err, EIO, "the rehearsal has no end");
        if (r == 0)
                r = monitor_ask_agent(m, PROTOCOL_RESET, err);
        if (r == 0)
                r = qmp_execute(&m->qmp, "stop", NULL, MONITOR_BOOT_MS, NULL, err);
        /* What it tells of that is for nobody else. */
        return r == 0 && qmp_wait(&m->qmp, 0, err) != -ETIMEDOUT ? -EPIPE : r;
}

int warm_make(struct monitor *m, const struct monitor_job *like, const char *key, const char *name, struct error *err)
{
        struct rehearsal rehearsal = {};
        bool is_kept = false;
        struct error why;
        int r;

        describe(&rehearsal, like, name, &m->job);
        r = prepare(&rehearsal, like, &m->job, err);
        if (r == 0)
                r = load(m, key, err);
        if (r > 0) {
                is_kept = true;
                r = 0;
        }
        if (r == 0)
                r = run_once(m, err);
        /* Whoever cannot keep it has it all the same. */
        if (r == 0 && !is_kept)
                monitor_freeze(m, key, &why);
        finish(&rehearsal);
        return r;
}
