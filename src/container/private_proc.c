/* SPDX-License-Identifier: Apache-2.0 */
#include "container/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

int private_proc_open(struct error *err)
{
        return mount_new("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
}

int private_proc_write(int proc, const char *path, const char *text, struct error *err)
{
        own_fd int fd = fd_openat2(proc, path, O_WRONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
        ssize_t n;

        if (fd < 0)
                return error_errno(err, -fd, "open /proc/%s", path);
        n = write(fd, text, strlen(text));
        return n < 0 ? error_errno(err, errno, "write \"%s\" to /proc/%s", text, path) : 0;
}
