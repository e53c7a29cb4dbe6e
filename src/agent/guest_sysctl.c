/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "agent/guest.h"
#include "base/own.h"
#include "sys/fd.h"

int guest_set_sysctls(const struct guest_config *c, struct error *err)
{
        own_fd int top = -1;

        if (!c->n_sysctls)
                return 0;
        top = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return error_errno(err, errno, "open /proc/sys");
        for (size_t i = 0; i < c->n_sysctls; i++) {
                int r = fd_write_file_at(top, c->sysctls[i].path, c->sysctls[i].content);

                if (r == -ENOENT)
                        return error_set(err, ENOENT, "sysctl \"%s\": the guest's kernel has no such parameter",
                                         c->sysctls[i].path);
                if (r < 0)
                        return error_errno(err, -r, "sysctl \"%s\": set it to \"%s\"", c->sysctls[i].path,
                                           c->sysctls[i].content);
        }
        return 0;
}
