/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/boot.h"
#include "agent/guest.h"
#include "agent/share_pump.h"
#include "base/own.h"

static int make_blocking(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

int guest_mount_shares(const struct guest *g, const struct guest_config *c, struct error *err)
{
        own_fd int port = -1;
        int r = 0;

        if (!c->has_shares)
                return 0;
        /* A clone has them already. */
        if (g->modules >= 0)
                r = boot_load_modules(g->modules, "share", err);
        if (r == 0)
                r = port = boot_open_port(SHARE_PORT, err);
        if (r >= 0 && (r = make_blocking(port)) < 0)
                error_errno(err, -r, "open the port " SHARE_PORT);
        if (r < 0)
                return r;
        if (mkdir(GUEST_SHARES, 0755) < 0)
                return error_errno(err, errno, "make " GUEST_SHARES);
        return share_pump_mount(port, GUEST_SHARES, err);
}
