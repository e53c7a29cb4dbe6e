/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without pivot_root(2) the host's mounts stay in the namespace, out of reach of paths but not of the kernel: it lets
 * a user namespace mount a new procfs or sysfs, without the container's masks, as long as a whole one is anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "container/launch.h"
#include "container/rootfs.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

/* Where the kernel ties the mount to the one below it, because another user namespace's owner mounted them. */
static int cover(int place, struct error *err)
{
        own_fd int tree = mount_new("tmpfs", "tmpfs", NULL, MOUNT_ATTR_RDONLY, err);
        int n;

        if (tree < 0)
                return tree;
        n = mount_attach(tree, place);
        return n < 0 ? error_errno(err, -n, "attach a tmpfs") : 0;
}

static int hide(const char *path, struct error *err)
{
        own_fd int place = open(path, O_PATH | O_CLOEXEC);
        int n;

        if (place < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open it");
        /* The host shall keep its own. EINVAL: nothing is mounted there any more, it went with the one it lay on. */
        n = mount_set_attr(place, true, 0, 0, MS_PRIVATE);
        if (n < 0)
                return n == -EINVAL ? 0 : error_errno(err, -n, "make it private");
        n = mount_detach(path);
        if (n == -EINVAL || n == -EPERM)
                return cover(place, err);
        return n < 0 ? error_errno(err, -n, "unmount it") : 0;
}

static bool is_below(const char *path, const char *directory)
{
        size_t n = strlen(directory);

        return strncmp(path, directory, n) == 0 && (!path[n] || path[n] == '/');
}

int rootfs_hide_old_kernel_mounts(const struct launch *l, struct error *err)
{
        FILE *mounts = setmntent("/proc/self/mounts", "re");
        const struct mntent *m;
        int n = 0;

        if (!mounts)
                return error_errno(err, errno, "open /proc/self/mounts");
        while (n == 0 && (m = getmntent(mounts))) {
                if ((strcmp(m->mnt_type, "proc") != 0 && strcmp(m->mnt_type, "sysfs") != 0) ||
                    is_below(m->mnt_dir, l->container.rootfs))
                        continue;
                n = hide(m->mnt_dir, err);
                if (n < 0)
                        error_wrap(err, "take the host's %s out of sight", m->mnt_dir);
        }
        endmntent(mounts);
        return n;
}
