/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that was configured, and in which nothing runs any more, is one that was not: the way back of each step. */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/own.h"
#include "sys/fd.h"

#define LAYERS_DISK "/dev/vda"
#define LAYERS GUEST_RUN "/layers"

static int unmount(const char *path, struct error *err)
{
        if (umount2(path, 0) < 0 && errno != EINVAL && errno != ENOENT)
                return error_errno(err, errno, "unmount %s", path);
        rmdir(path);
        return 0;
}

/* It has been there before. */
static int unmount_modules(struct error *err)
{
        if (umount2(GUEST_MODULES, 0) < 0 && errno != EINVAL)
                return error_errno(err, errno, "unmount " GUEST_MODULES);
        return 0;
}

static int remove_partition(int disk, int number)
{
        struct blkpg_partition p = { .pno = number };
        struct blkpg_ioctl_arg arg = { .op = BLKPG_DEL_PARTITION, .datalen = sizeof p, .data = &p };

        return ioctl(disk, BLKPG, &arg) < 0 ? -errno : 0;
}

/* What the kernel has of a partition's content goes with it. */
static int remove_layers(struct error *err)
{
        own_fd int disk = open(LAYERS_DISK, O_RDONLY | O_CLOEXEC);
        char path[64];
        int r = unmount_modules(err), i;

        for (i = 1; disk >= 0 && r == 0; i++) {

                snprintf(path, sizeof path, LAYERS "/%d", i);
                if (access(path, F_OK) < 0)
                        break;
                r = unmount(path, err);
                if (r < 0)
                        return r;
                r = remove_partition(disk, i);
                if (r < 0 && r != -ENXIO)
                        return error_errno(err, -r, "remove partition %d of the layers' disk", i);
                r = 0;
        }
        /* That of the modules. */
        if (disk >= 0 && r == 0)
                remove_partition(disk, i);
        return r;
}

int guest_reset(struct guest *g, struct error *err)
{
        static const char *const trees[] = { GUEST_FILES, GUEST_RUN "/containers", LAYERS };
        int r;

        if (g->root >= 0)
                close(take_fd(&g->root));
        r = unmount(GUEST_ROOT, err);
        if (r == 0)
                r = unmount(GUEST_UPPER, err);
        if (r == 0)
                r = remove_layers(err);
        for (size_t i = 0; i < ARRAY_SIZE(trees) && r == 0; i++) {
                r = fd_remove_tree_at(AT_FDCWD, trees[i]);
                if (r < 0)
                        error_errno(err, -r, "remove %s", trees[i]);
        }
        if (r == 0 && sethostname("", 0) < 0)
                r = error_errno(err, errno, "forget the host name");
        return r;
}
