/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a new QEMU, which maps one file: of a template that has only what changed (vm/template_pages.h) that is
 * the one from which the others differ, and their pages are written into its private mapping. They are as many as the
 * machine had changed; whoever begins as a kept process maps them instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "vm/template_pages.h"

enum { CHUNK = 256 << 10 };

struct filling {
        int memory;
        uint64_t start;
        char data[CHUNK];
};

static int put(const struct filling *f, uint64_t at, size_t size)
{
        return pwrite(f->memory, f->data, size, (off_t)(f->start + at)) == (ssize_t)size ? 0 : -EIO;
}

static int copy(struct filling *f, int from, const struct template_extent *e)
{
        int r = 0;

        for (uint64_t done = 0; done < e->length && r == 0; done += CHUNK) {
                size_t size = e->length - done < CHUNK ? (size_t)(e->length - done) : CHUNK;

                r = pread(from, f->data, size, (off_t)(e->offset + done)) == (ssize_t)size
                            ? put(f, e->start + done, size)
                            : -EIO;
        }
        return r;
}

/* What the base has there, the machine had not any more. */
static int clear(struct filling *f, int base, uint64_t from, uint64_t end)
{
        off_t at = (off_t)from;

        memset(f->data, 0, CHUNK);
        while ((uint64_t)at < end && (at = lseek(base, at, SEEK_DATA)) >= 0 && (uint64_t)at < end) {
                off_t hole = lseek(base, at, SEEK_HOLE);
                uint64_t to = hole >= 0 && (uint64_t)hole < end ? (uint64_t)hole : end;
                int r = 0;

                for (; (uint64_t)at < to && r == 0; at += CHUNK)
                        r = put(f, (uint64_t)at, to - (uint64_t)at < CHUNK ? (size_t)(to - (uint64_t)at) : CHUNK);
                if (r < 0)
                        return r;
                at = (off_t)to;
        }
        return 0;
}

static int fill(struct filling *f, const struct template *t, uint64_t size)
{
        const struct template_extent *e = (const struct template_extent *)t->pages.data;
        uint64_t end = 0;
        int r = 0;

        for (size_t i = 0; i < t->pages.len / sizeof(*e) && r == 0; i++) {
                if (e[i].start + e[i].length > size)
                        return -EBADMSG;
                r = clear(f, t->bases[0], end, e[i].start);
                if (r == 0 && e[i].file != 1)
                        r = copy(f, e[i].file ? t->bases[e[i].file - 1] : t->memory, &e[i]);
                end = e[i].start + e[i].length;
        }
        return r == 0 ? clear(f, t->bases[0], end, size) : r;
}

int monitor_fill_memory(struct monitor *m, const struct template *t, struct error *err)
{
        own_guest_memory struct guest_memory memory = {};
        own_mem struct filling *f = NULL;
        own_fd int all = -1;
        int r;

        if (!t->n_bases)
                return 0;
        r = guest_memory_open(monitor_find_qemu(m), 0, (uint64_t)m->job.memory_mib << 20, &memory, err);
        if (r == 0)
                r = all = guest_memory_open_all(&memory, O_RDWR, err);
        if (r < 0)
                return r;
        f = malloc(sizeof(*f));
        if (!f)
                return error_set(err, ENOMEM, "out of memory");
        f->memory = all;
        f->start = memory.start;
        r = fill(f, t, memory.size);
        return r < 0 ? error_errno(err, -r, "fill the memory of a guest") : 0;
}
