/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/cpio.h"
#include "vm/kernel_module.h"

enum { FORMAT = 5, MAX_FILE = 64 << 20 };

/* Those that a kernel has built in are not missed. Without the first ones nothing runs in a guest; the others can wait
 * until it does: 0.1 s of a boot under TCG. */
static const char *const drivers[] = { "virtio_mmio", "virtio_blk", "virtio_console", "erofs", "overlay",
                                       "virtio_net",  "ext4" };
static const char *const later[] = { "virtio_balloon" };
/* These when the host shares something, or last. */
static const char *const share[] = { "fuse" };

/* ---- what it is made from ---- */

static int add_identity(struct buf *out, const char *path, struct error *err)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return error_errno(err, errno, "%s", path);
        buf_addf(out, "%s %jd %jd.%09ld\n", path, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                 st.st_mtim.tv_nsec);
        return 0;
}

static int find_init(const char *agent, char ret[PATH_MAX], struct error *err)
{
        const char *slash = strrchr(agent, '/');
        int n = snprintf(ret, PATH_MAX, "%.*sholt-init", slash ? (int)(slash + 1 - agent) : 0, agent);

        return n < PATH_MAX ? 0 : error_set(err, ENAMETOOLONG, "%s: too long a path", agent);
}

int initramfs_key(const struct guest_kernel *kernel, const char *agent, char ret[SHA256_HEX], struct error *err)
{
        own_buf struct buf text = {};
        unsigned char digest[SHA256_SIZE];
        char init[PATH_MAX];
        struct sha256 h;
        int r = find_init(agent, init, err);

        buf_addf(&text, "%d %s\n", FORMAT, kernel->release);
        if (r == 0)
                r = add_identity(&text, kernel->image, err);
        if (r == 0)
                r = add_identity(&text, agent, err);
        if (r == 0)
                r = add_identity(&text, init, err);
        if (r < 0)
                return r;
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        sha256_init(&h);
        sha256_add(&h, text.data, text.len);
        sha256_end(&h, digest);
        sha256_hex(digest, ret);
        return 0;
}

/* ---- its content ---- */

static int add_file(struct buf *out, const char *name, mode_t mode, int dirfd, const char *path, struct error *err)
{
        own_buf struct buf data = {};
        own_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_FILE, &data);

        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        cpio_add(out, name, mode, data.data, data.len);
        return 0;
}

static bool has_module(const struct kernel_modules *m, const char *name)
{
        for (size_t i = 0; i < m->n; i++) {
                if (strcmp(m->v[i].name, name) == 0)
                        return true;
        }
        return false;
}

/* list: the file that names them. but: those that are there already; NULL. */
static int add_modules(struct buf *out, int directory, const struct kernel_modules *m, const char *list,
                       const struct kernel_modules *but, struct error *err)
{
        own_buf struct buf order = {};
        int r = 0;

        for (size_t i = 0; i < m->n && r == 0; i++) {
                char name[128];

                if (but && has_module(but, m->v[i].name))
                        continue;
                snprintf(name, sizeof(name), "modules/%s", m->v[i].name);
                buf_addf(&order, "%s\n", m->v[i].name);
                r = add_file(out, name, S_IFREG | 0400, directory, m->v[i].path, err);
        }
        if (r < 0)
                return r;
        if (buf_failed(&order))
                return error_set(err, ENOMEM, "out of memory");
        cpio_add(out, list, S_IFREG | 0400, order.data, order.len);
        return 0;
}

static int add_all_modules(struct buf *out, const char *directory, struct error *err)
{
        own_kernel_modules struct kernel_modules first = {}, second = {}, third = {};
        own_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? error_errno(err, errno, "open %s", directory)
                       : kernel_modules_resolve(fd, drivers, ARRAY_SIZE(drivers), &first, err);

        if (r == 0)
                r = kernel_modules_resolve(fd, later, ARRAY_SIZE(later), &second, err);
        if (r == 0)
                r = kernel_modules_resolve(fd, share, ARRAY_SIZE(share), &third, err);
        if (r == 0)
                r = add_modules(out, fd, &first, "modules/order", NULL, err);
        if (r == 0)
                r = add_modules(out, fd, &second, "modules/later", &first, err);
        return r < 0 ? r : add_modules(out, fd, &third, "modules/share", &first, err);
}

static int content_make(const struct guest_kernel *kernel, const char *agent, struct buf *ret, struct error *err)
{
        static const char *const directories[] = { "dev", "proc", "sys", "modules" };
        char init[PATH_MAX];
        int r = find_init(agent, init, err);

        for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
                cpio_add(ret, directories[i], S_IFDIR | 0755, NULL, 0);
        cpio_add_device(ret, "dev/console", S_IFCHR | 0600, 5, 1);
        cpio_add_device(ret, "dev/kmsg", S_IFCHR | 0600, 1, 11);
        if (r == 0)
                r = add_file(ret, "init", S_IFREG | 0755, AT_FDCWD, agent, err);
        if (r == 0)
                r = add_file(ret, "holt-init", S_IFREG | 0755, AT_FDCWD, init, err);
        if (r == 0)
                r = add_all_modules(ret, kernel->modules, err);
        cpio_end(ret);
        if (r == 0 && buf_failed(ret))
                r = error_set(err, ENOMEM, "out of memory");
        return r;
}

/* ---- its place ---- */

int initramfs_make(const char *root, const struct guest_kernel *kernel, const char *agent, char ret_key[SHA256_HEX],
                   char **ret_path, struct error *err)
{
        own_mem char *directory = NULL, *path = NULL;
        own_buf struct buf content = {};
        own_fd int fd = -1;
        int r = initramfs_key(kernel, agent, ret_key, err);

        if (r < 0)
                return r;
        if (asprintf(&directory, "%s/vm/boot", root) < 0)
                directory = NULL;
        if (!directory || asprintf(&path, "%s/%s", directory, ret_key) < 0)
                path = NULL;
        if (!path)
                return error_set(err, ENOMEM, "out of memory");
        if (access(path, R_OK) < 0) {
                r = content_make(kernel, agent, &content, err);
                if (r < 0)
                        return error_wrap(err, "make what guests boot from");
                r = fd_mkdir_all(directory, 0700);
                fd = r < 0 ? r : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? -errno : fd_replace_file_at(fd, ret_key, content.data, content.len, 0400);
                if (r < 0)
                        return error_errno(err, -r, "write %s", path);
        }
        *ret_path = take_ptr(path);
        return 0;
}
