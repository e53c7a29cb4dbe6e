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

enum { MAX_LIST = 64 << 10 };

/* Its memory is the guest's own: it is given back. */
static int load(int directory, const char *name, struct error *err)
{
        own_fd int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
                return error_errno(err, errno, "load the module %s", name);
        unlinkat(directory, name, 0);
        return 0;
}

int boot_load_modules(int directory, const char *list, struct error *err)
{
        own_fd int fd = openat(directory, list, O_RDONLY | O_CLOEXEC);
        own_buf struct buf names = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_LIST, &names);
        char *rest = names.data, *line;

        if (r < 0)
                return error_errno(err, -r, "read the list of modules");
        while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
                if (*line)
                        r = load(directory, line, err);
        }
        return r;
}
