/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining layers by overlayfs, in the three ways that kernels know (layer_mounts.h). Until Linux 6.5 overlayfs takes
 * its directories as one string, which fsconfig(2) cuts at 255 bytes and mount(2) at a page; and mount(2) has to attach
 * what it mounts, for an instant. Names relative to /proc/self/fd are the shortest: 500 layers fit.
 */
#include "store/layer_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/own.h"
#include "sys/mount_tree.h"

#define MEMORY ".overlay"
#define PLACE ".place"

enum { PAGE_LIMIT = 4095 };

/*
 * xino: files have the device and inode numbers of one file system (du -x, find -xdev), also after they are written to.
 * redirect_dir: a layer is a stranger's, and may hold attributes that would send overlayfs elsewhere.
 */
static const char *const options[] = { "xino=on", "index=off", "metacopy=off", "redirect_dir=nofollow", NULL };

/* What overlayfs keeps in attributes is in user.overlay. where trusted.overlay. is nobody's (Linux 5.11). */
static bool has_user_xattrs(const struct layer_mounts *m)
{
        return m->backing == LAYER_BACKING_USER;
}

/* ---- which way ---- */

static const char *const ways[] = {
        [OVERLAY_UNKNOWN] = "",
        [OVERLAY_BY_FD] = "fd",
        [OVERLAY_BY_NAME] = "name",
        [OVERLAY_BY_PAGE] = "page",
};

static enum overlay_way try_ways(int dir)
{
        own_fd int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);

        if (fs < 0)
                return OVERLAY_UNKNOWN;
        if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, "lowerdir+", NULL, dir) == 0)
                return OVERLAY_BY_FD;
        /* Where the options are only collected, for the one string, anything is taken. */
        return syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "holt-knows-no-such-option", NULL, 0) == 0
                       ? OVERLAY_BY_PAGE
                       : OVERLAY_BY_NAME;
}

static int choose_way(struct layer_mounts *m, struct error *err)
{
        char text[16];

        if (m->overlay != OVERLAY_UNKNOWN)
                return 0;
        layer_mounts_recall(m, MEMORY, text, sizeof text);
        for (enum overlay_way i = OVERLAY_BY_FD; i <= OVERLAY_BY_PAGE; i++) {
                if (strcmp(text, ways[i]) == 0)
                        m->overlay = i;
        }
        if (m->overlay != OVERLAY_UNKNOWN)
                return 0;
        m->overlay = try_ways(m->dir);
        if (m->overlay == OVERLAY_UNKNOWN)
                return error_errno(err, errno, "filesystem overlay");
        layer_mounts_remember(m, MEMORY, ways[m->overlay], NULL);
        return 0;
}

/* ---- one by one ---- */

static int add_directory(int fs, enum overlay_way way, const char *option, int fd, struct error *err)
{
        char path[32];

        if (way == OVERLAY_BY_FD)
                return mount_context_set_fd(fs, option, fd, err);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        return mount_context_set(fs, option, path, err);
}

static int add_upper(int fs, enum overlay_way way, const struct image_mount_options *o, struct error *err)
{
        int r = add_directory(fs, way, "upperdir", o->upper_fd, err);

        if (r == 0)
                r = add_directory(fs, way, "workdir", o->work_fd, err);
        return r == 0 && o->is_volatile ? mount_context_set(fs, "volatile", NULL, err) : r;
}

static int join_by_context(const struct layer_mounts *m, const int *lower, size_t n,
                           const struct image_mount_options *o, struct error *err)
{
        own_fd int fs = mount_context("overlay", "holt", err);
        enum overlay_way way = m->overlay;
        int r = fs < 0 ? fs : 0;

        for (size_t i = n; r == 0 && i-- > 0;)
                r = add_directory(fs, way, "lowerdir+", lower[i], err);
        if (r == 0 && o->upper_fd >= 0)
                r = add_upper(fs, way, o, err);
        if (r == 0)
                r = mount_context_set_all(fs, options, err);
        if (r == 0 && o->context)
                r = mount_context_set(fs, "context", o->context, err);
        if (r == 0 && has_user_xattrs(m))
                r = mount_context_set(fs, "userxattr", NULL, err);
        return r < 0 ? r : mount_context_mount(fs, o->upper_fd < 0 ? MOUNT_ATTR_RDONLY : 0, err);
}

/* ---- all in one page ---- */

static void write_page(const struct layer_mounts *m, struct buf *page, const int *lower, size_t n,
                       const struct image_mount_options *o)
{
        buf_add_str(page, "lowerdir=");
        for (size_t i = n; i-- > 0;)
                buf_addf(page, "%d%s", lower[i], i ? ":" : "");
        if (o->upper_fd >= 0)
                buf_addf(page, ",upperdir=%d,workdir=%d%s", o->upper_fd, o->work_fd, o->is_volatile ? ",volatile" : "");
        for (size_t i = 0; options[i]; i++)
                buf_addf(page, ",%s", options[i]);
        if (has_user_xattrs(m))
                buf_add_str(page, ",userxattr");
        if (o->context)
                buf_addf(page, ",context=\"%s\"", o->context);
}

/* The working directory is the process's own: the caller has no other threads, and gets it back. */
static int mount_page(const struct layer_mounts *m, const char *page, bool read_only, struct error *err)
{
        own_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        char place[32];
        int r;

        if (cwd < 0 || chdir("/proc/self/fd") < 0)
                return error_errno(err, errno, "enter /proc/self/fd");
        snprintf(place, sizeof place, "%d/" PLACE, m->dir);
        r = mount("holt", place, "overlay", read_only ? MS_RDONLY : 0, page) < 0 ? -errno : 0;
        if (fchdir(cwd) < 0)
                return error_errno(err, errno, "return to the working directory");
        return r < 0 ? error_errno(err, -r, "mount overlay") : 0;
}

static int join_by_page(const struct layer_mounts *m, const int *lower, size_t n, const struct image_mount_options *o,
                        struct error *err)
{
        own_fd int lock = layer_mounts_lock(m, err), mount_fd = -1;
        own_buf struct buf page = {};
        int r;

        if (lock < 0)
                return lock;
        write_page(m, &page, lower, n, o);
        if (buf_failed(&page))
                return error_set(err, ENOMEM, "out of memory");
        if (page.len > PAGE_LIMIT)
                return error_set(err, E2BIG, "this kernel cannot join %zu layers", n);
        if (mkdirat(m->dir, PLACE, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "make a mount point for overlays");
        r = mount_set_attr(m->dir, false, 0, 0, MS_PRIVATE);
        if (r < 0)
                return error_errno(err, -r, "make the mounts of layers private");
        /* Of one who was killed between here and the end. */
        r = layer_mounts_detach(m, PLACE, err);
        if (r == 0)
                r = mount_page(m, page.data, o->upper_fd < 0, err);
        if (r < 0)
                return r;
        mount_fd = mount_clone(m->dir, PLACE, false);
        r = layer_mounts_detach(m, PLACE, err);
        if (mount_fd < 0)
                return error_errno(err, -mount_fd, "clone the overlay");
        return r < 0 ? r : take_fd(&mount_fd);
}

int layer_mounts_join(struct layer_mounts *m, const int *lower, size_t n, const struct image_mount_options *o,
                      struct error *err)
{
        int r = choose_way(m, err);

        if (r == 0)
                r = m->overlay == OVERLAY_BY_PAGE ? join_by_page(m, lower, n, o, err)
                                                  : join_by_context(m, lower, n, o, err);
        return r < 0 ? error_wrap(err, "join %zu layers", n) : r;
}
