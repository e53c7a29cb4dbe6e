/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "store/store_private.h"

#define RESERVE "reserve"

/* SQLite's log of a removal of 500 layers takes less than the most; the least is good for an image. */
enum { RESERVE_MOST = 1 << 20, RESERVE_LEAST = 1 << 17, RESERVE_STEP = 1 << 16 };

void reserve_make(struct store *s)
{
        own_fd int fd = openat(s->root_fd, RESERVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        off_t size = RESERVE_MOST;

        if (fd < 0)
                return;
        while (size >= RESERVE_LEAST && fallocate(fd, 0, 0, size) < 0)
                size -= RESERVE_STEP;
        if (size < RESERVE_LEAST)
                unlinkat(s->root_fd, RESERVE, 0);
}

bool reserve_use(struct store *s)
{
        s->reserve_wanted = s->reserve_used = true;
        return unlinkat(s->root_fd, RESERVE, 0) == 0;
}
