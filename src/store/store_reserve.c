/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "store/store_private.h"

#define RESERVE "reserve"

/* SQLite's log of a removal of 500 layers takes less. */
enum { RESERVE_SIZE = 1 << 20 };

void reserve_make(struct store *s)
{
        own_fd int fd = openat(s->root_fd, RESERVE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd >= 0 && fallocate(fd, 0, 0, RESERVE_SIZE) < 0)
                unlinkat(s->root_fd, RESERVE, 0);
}

bool reserve_use(struct store *s)
{
        return unlinkat(s->root_fd, RESERVE, 0) == 0;
}
