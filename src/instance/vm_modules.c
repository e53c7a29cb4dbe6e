/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/sha256.h"
#include "store/layer_write.h"
#include "store/tar_tree.h"
#include "sys/fd.h"
#include "vm/module_index.h"

enum { FORMAT = 1, UUID = 16 };

bool vm_modules_wanted(const struct instance_options *o)
{
        return o->privileged || o->cap_add;
}

/* By the kernel's file: a package that was built again has another one under the same name. */
static int path_below(const char *root, const struct guest_kernel *k, char **ret, struct error *err)
{
        unsigned char digest[SHA256_SIZE];
        own_buf struct buf text = {};
        char hex[SHA256_HEX];
        struct sha256 h;
        struct stat st;

        if (stat(k->image, &st) < 0)
                return error_errno(err, errno, "%s", k->image);
        buf_addf(&text, "%d %s %jd %jd.%09ld", FORMAT, k->release, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                 st.st_mtim.tv_nsec);
        sha256_init(&h);
        sha256_add(&h, buf_str(&text), text.len);
        sha256_end(&h, digest);
        sha256_hex(digest, hex);
        if (buf_failed(&text) || asprintf(ret, "%s/vm/boot/modules-%s", root, hex) < 0)
                return error_set(err, ENOMEM, "out of memory");
        return 0;
}

int vm_modules_path(const char *root, const struct guest_kernel *k, char **ret_path, struct error *err)
{
        char *path = NULL;
        int r;

        if (!k->own)
                r = path_below(root, k, &path, err);
        else
                r = asprintf(&path, "%s/modules.erofs", k->own) < 0 ? error_set(err, ENOMEM, "out of memory") : 0;
        if (r == 0)
                *ret_path = path;
        return r;
}

static int write_image(int image, const struct guest_kernel *k, int modules, struct error *err)
{
        static const uint8_t uuid[UUID] = {};
        own_tar_tree struct tar_tree *tree =
                tar_tree_new(&(struct tar_tree_options){ .dir = modules, .name = "", .as = k->release });
        own_tar_reader struct tar_reader *tar = tree ? tar_reader_new(tar_tree_read, NULL, tree) : NULL;
        own_layer_writer struct layer_writer w = {};
        int r = tar ? layer_writer_init(&w, image, NULL, err) : error_set(err, ENOMEM, "out of memory");

        if (r == 0)
                r = layer_writer_add(&w, tar, err);
        return r < 0 ? r : layer_writer_end(&w, uuid, err);
}

/* It gets its name when it is complete. Whoever comes at the same time makes an equal one. */
static int make(const char *path, const struct guest_kernel *k, struct error *err)
{
        own_mem char *part = NULL;
        own_fd int modules = open(k->modules, O_RDONLY | O_DIRECTORY | O_CLOEXEC), image = -1;
        int r;

        if (modules < 0)
                return error_errno(err, errno, "open %s", k->modules);
        /* The host's kernel has been installed, and depmod has run. */
        r = k->own ? module_index_write(modules, err) : 0;
        if (r < 0)
                return r;
        if (asprintf(&part, "%s.%d", path, (int)getpid()) < 0) {
                part = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        image = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (image < 0)
                return error_errno(err, errno, "make %s", part);
        r = write_image(image, k, modules, err);
        if (r == 0 && (fdatasync(image) < 0 || rename(part, path) < 0))
                r = error_errno(err, errno, "make %s", path);
        if (r < 0)
                unlink(part);
        return r;
}

int vm_modules_make(const char *root, const struct guest_kernel *k, char **ret_path, struct error *err)
{
        own_mem char *path = NULL;
        int r = vm_modules_path(root, k, &path, err);

        if (r == 0 && path && access(path, R_OK) < 0)
                r = make(path, k, err);
        if (r < 0)
                return error_wrap(err, "collect the modules of the guest's kernel");
        *ret_path = take_ptr(path);
        return 0;
}
