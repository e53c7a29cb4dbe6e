/* SPDX-License-Identifier: Apache-2.0 */
/* A kept process as it may lie on a damaged disk, of this boot: what is opened can be given to holt-thaw. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process_image/format.h"
#include "process_image/process_image.h"
#include "sys/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* As long as it is, and of now: by chance it never would be. */
static int make_file(const uint8_t *data, size_t size)
{
        int fd = memfd_create("image", MFD_CLOEXEC);
        struct process_head h;

        require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        if (size < sizeof(h))
                return fd;
        memcpy(&h, data, sizeof(h));
        h.size = size;
        memset(h.boot, 0, sizeof(h.boot));
        fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", h.boot, sizeof(h.boot));
        require(pwrite(fd, &h, sizeof(h), 0) == sizeof(h));
        return fd;
}

static void check(const struct process_image *p, size_t size)
{
        const struct process_head *h = p->head;
        const struct process_mapping *m = (const void *)((const char *)p->head + h->mappings.offset);
        size_t n = 0;

        require(p->length <= size && p->name == h->name && strlen(p->name) < sizeof(h->name));
        while (p->arguments[n])
                n += strlen(p->arguments[n]) < p->length;
        for (uint32_t i = 0; i < h->mappings.count; i++) {
                require(m[i].start >= PROCESS_LOWEST && m[i].length <= PROCESS_HIGHEST - m[i].start);
                require(m[i].offset == PROCESS_EMPTY || m[i].offset + m[i].length <= size);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_process_image struct process_image p = { .file = -1 };
        struct error err = {};
        int r = process_image_open(make_file(data, size), NULL, 0, &p, &err);

        require(r == 0 || (r == -err.code && *err.text && p.file == -1));
        if (r == 0)
                check(&p, size);
        return 0;
}
