/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/own.h"
#include "store/layer_mount.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

static int make_path(struct store *s, const struct digest *id, char **ret, struct error *err)
{
        if (asprintf(ret, "%s/mounts/%s", store_run(s), digest_hex(id)) >= 0)
                return 0;
        *ret = NULL;
        return error_set(err, ENOMEM, "out of memory");
}

/* The root of a mount, whatever file system it is. */
static bool is_mounted(const char *path)
{
        struct statx stx;

        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &stx) == 0 &&
               stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

int image_place_find(struct store *s, const struct digest *id, char **ret_path, struct error *err)
{
        own_mem char *path = NULL;
        int r = make_path(s, id, &path, err);

        if (r < 0 || !is_mounted(path))
                return r;
        if (ret_path)
                *ret_path = take_ptr(path);
        return 1;
}

int image_place_mount(struct store *s, const struct image_info *info, char **ret_path, struct error *err)
{
        static const struct image_mount_options read_only = { .upper_fd = -1, .work_fd = -1 };
        own_fd int mount = -1, target = -1;
        own_mem char *path = NULL;
        int r = make_path(s, &info->id, &path, err);

        if (r < 0)
                return r;
        if (is_mounted(path)) {
                *ret_path = take_ptr(path);
                return 0;
        }
        mount = image_mount(s, info->diff_ids, info->n_layers, &read_only, err);
        if (mount < 0)
                return mount;
        /* For whoever looks at it on the host, the image's devices and setuid programs are files like others. */
        r = mount_set_attr(mount, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0);
        if (r < 0)
                return error_errno(err, -r, "mount without devices");
        r = fd_mkdir_all(path, 0700);
        if (r < 0)
                return error_errno(err, -r, "%s", path);
        target = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (target < 0)
                return error_errno(err, errno, "%s", path);
        r = mount_attach(mount, target);
        if (r < 0)
                return error_errno(err, -r, "attach at %s", path);
        *ret_path = take_ptr(path);
        return 0;
}

int image_place_unmount(struct store *s, const struct digest *id, struct error *err)
{
        own_mem char *path = NULL;
        int r = image_place_find(s, id, &path, err);

        if (r < 0)
                return r;
        if (r == 0)
                return error_set(err, ENOENT, "image %.12s is not mounted", digest_hex(id));
        r = mount_detach(path);
        if (r < 0)
                return error_errno(err, -r, "unmount %s", path);
        (void)rmdir(path);
        return 0;
}
