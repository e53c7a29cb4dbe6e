/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

/* In place: the instance has the file mounted, not its name. */
static int write_file(struct instance *i, const char *name, const struct buf *text, struct error *err)
{
        own_fd int fd = openat(i->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        int r = buf_failed(text) ? -ENOMEM : fd < 0 ? -errno : fd_write_all(fd, buf_str(text), text->len);

        if (r == 0 && fchmod(fd, 0644) < 0)
                r = -errno;
        return r < 0 ? error_errno(err, -r, "write the instance's %s", name) : 0;
}

int instance_files_write(struct instance *i, const char *hostname, const struct instance_network *network,
                         struct error *err)
{
        own_buf struct buf hosts = {}, name = {};
        int r;

        buf_add_str(&hosts, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n"
                            "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
        if (network->hosts.len)
                buf_add_str(&hosts, buf_str(&network->hosts));
        else
                buf_addf(&hosts, "127.0.1.1\t%s\n", hostname);
        buf_addf(&name, "%s\n", hostname);
        r = write_file(i, "resolv.conf", &network->resolv, err);
        if (r == 0)
                r = write_file(i, "hosts", &hosts, err);
        return r == 0 ? write_file(i, "hostname", &name, err) : r;
}
