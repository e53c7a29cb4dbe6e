/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/boot.h"
#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"

#define ORDER "modules/order"

enum { MAX_ORDER = 64 << 10 };

/* Its memory is the guest's own: it is given back. */
static int load(const char *path, struct error *err)
{
        own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
                return error_errno(err, errno, "load %s", path);
        unlink(path);
        return 0;
}

int boot_load_modules(struct error *err)
{
        own_fd int fd = open(ORDER, O_RDONLY | O_CLOEXEC);
        own_buf struct buf order = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_ORDER, &order);
        char *rest = order.data, *line;

        if (r < 0)
                return error_errno(err, -r, "read " ORDER);
        while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
                if (*line)
                        r = load(line, err);
        }
        return r;
}
