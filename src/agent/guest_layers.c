/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first disk is all layers one behind the other (vm/layer_disk.h). Partitions are made of it in memory: any number
 * up to what a disk may have (256 with the disk itself); those for which the disk has no minor numbers get theirs from
 * the kernel's common range, and devtmpfs shows them all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/buf.h"
#include "base/own.h"

#define LAYERS_DISK "/dev/vda"
#define WRITABLE_DISK "/dev/vdb"
#define LAYERS GUEST_RUN "/layers"
#define GUEST_IMAGE GUEST_RUN "/image"

enum { SECTOR = 512, PAGE_LIMIT = 4095 };

static int make_directory(const char *path, struct error *err)
{
        return mkdir(path, 0755) < 0 && errno != EEXIST ? error_errno(err, errno, "make %s", path) : 0;
}

/* ---- layers ---- */

static int add_partition(int disk, int number, uint64_t sector, uint64_t sectors)
{
        struct blkpg_partition p = { .start = (long long)(sector * SECTOR),
                                     .length = (long long)(sectors * SECTOR),
                                     .pno = number };
        struct blkpg_ioctl_arg arg = { .op = BLKPG_ADD_PARTITION, .datalen = sizeof p, .data = &p };

        return ioctl(disk, BLKPG, &arg) < 0 ? -errno : 0;
}

static int split_disk(const struct guest_config *c, struct error *err)
{
        own_fd int disk = open(LAYERS_DISK, O_RDONLY | O_CLOEXEC);
        uint64_t at = 0;

        if (disk < 0)
                return error_errno(err, errno, "open " LAYERS_DISK);
        for (size_t i = 0; i < c->n_layers + (c->modules > 0); i++) {
                uint64_t sectors = i < c->n_layers ? c->layers[i] : c->modules;
                int r = add_partition(disk, (int)i + 1, at, sectors);

                if (r < 0)
                        return error_errno(err, -r, "make partition %zu of the layers' disk", i + 1);
                at += sectors;
        }
        return 0;
}

static int mount_modules(const struct guest_config *c, struct error *err)
{
        char device[32];

        snprintf(device, sizeof device, LAYERS_DISK "%zu", c->n_layers + 1);
        return mount(device, GUEST_MODULES, "erofs", MS_RDONLY | MS_NODEV | MS_NOATIME, NULL) < 0
                       ? error_errno(err, errno, "mount the kernel's modules")
                       : 0;
}

/* Below the working directory, whose names are short: all of them have to fit into a page. */
static int mount_layer(size_t number, struct error *err)
{
        char device[32], place[16];

        snprintf(device, sizeof device, LAYERS_DISK "%zu", number);
        snprintf(place, sizeof place, "%zu", number);
        if (mkdir(place, 0755) < 0 || mount(device, place, "erofs", MS_RDONLY | MS_NODEV | MS_NOATIME, NULL) < 0)
                return error_errno(err, errno, "mount layer %zu", number);
        return 0;
}

static int mount_layers(const struct guest_config *c, struct error *err)
{
        int r = make_directory(LAYERS, err);

        if (r == 0 && (c->n_layers || c->modules))
                r = split_disk(c, err);
        if (r == 0 && chdir(LAYERS) < 0)
                r = error_errno(err, errno, "enter " LAYERS);
        for (size_t i = 1; i <= c->n_layers && r == 0; i++)
                r = mount_layer(i, err);
        if (r == 0 && c->modules)
                r = mount_modules(c, err);
        /* An image without any is an empty directory. */
        return r == 0 && !c->n_layers ? make_directory("1", err) : r;
}

/* ---- the image ---- */

static size_t count_layers(void)
{
        char name[16];
        size_t n = 0;

        do
                snprintf(name, sizeof name, "%zu", ++n);
        while (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        return n - 1;
}

/* The uppermost first. */
static void list_layers(size_t n, struct buf *out)
{
        buf_add_str(out, "lowerdir=");
        for (size_t i = n; i > 0; i--)
                buf_addf(out, "%zu%s", i, i > 1 ? ":" : "");
}

static int join_layers(size_t n, struct error *err)
{
        own_buf struct buf page = {};
        int r = make_directory(GUEST_IMAGE, err);

        list_layers(n, &page);
        buf_add_str(&page, ",xino=on,index=off,metacopy=off,redirect_dir=nofollow");
        if (r == 0 && (buf_failed(&page) || page.len > PAGE_LIMIT))
                r = error_set(err, ENOMEM, "too many layers");
        if (r == 0 && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                       mount("holt", GUEST_IMAGE, "overlay", MS_RDONLY, page.data) < 0))
                r = error_errno(err, errno, "join the layers by overlay");
        return r;
}

int guest_open_image(struct error *err)
{
        size_t n = chdir(LAYERS) == 0 ? count_layers() : 0;
        int r = n > 1 ? join_layers(n, err) : 0, fd;

        if (r < 0)
                return r;
        fd = open(n > 1 ? GUEST_IMAGE : "1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, "open the image") : fd;
}

/* ---- what is written ---- */

static int mount_upper(const struct guest_config *c, struct error *err)
{
        int r = make_directory(GUEST_UPPER, err);

        if (r < 0)
                return r;
        if (c->has_disk && mount(WRITABLE_DISK, GUEST_UPPER, "ext4", MS_NOATIME, "discard") < 0)
                return error_errno(err, errno, "mount the writable disk");
        r = make_directory(GUEST_UPPER "/upper", err);
        return r < 0 ? r : make_directory(GUEST_UPPER "/work", err);
}

/* ---- both ---- */

/*
 * As on a host (store/layer_overlay.c), by mount(2): until Linux 6.5 fsconfig(2) cuts the string at 255 bytes. A memory
 * that is gone with the guest need not be written in order.
 */
static int mount_overlay(const struct guest_config *c, struct error *err)
{
        own_buf struct buf page = {};

        list_layers(c->n_layers ? c->n_layers : 1, &page);
        buf_add_str(&page, ",upperdir=" GUEST_UPPER "/upper,workdir=" GUEST_UPPER
                           "/work,xino=on,index=off,metacopy=off,redirect_dir=nofollow");
        if (!c->has_disk)
                buf_add_str(&page, ",volatile");
        if (buf_failed(&page) || page.len > PAGE_LIMIT)
                return error_set(err, ENOMEM, "too many layers");
        return mount("holt", GUEST_ROOT, "overlay", 0, page.data) < 0
                       ? error_errno(err, errno, "join the layers by overlay")
                       : 0;
}

int guest_mount_root(const struct guest_config *c, struct error *err)
{
        int r = mount_layers(c, err);

        if (r == 0)
                r = mount_upper(c, err);
        if (r == 0)
                r = make_directory(GUEST_ROOT, err);
        if (r == 0)
                r = mount_overlay(c, err);
        if (chdir("/") < 0 && r == 0)
                r = error_errno(err, errno, "return to /");
        return r;
}
