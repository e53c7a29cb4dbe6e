/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest_kernel.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"

void guest_kernel_finish(struct guest_kernel *k)
{
        free(k->release);
        free(k->image);
        free(k->modules);
        free(k->own);
        *k = (struct guest_kernel){};
}

/* Takes it if both its parts are there. */
static int take(const char *top, const char *release, bool is_own, struct guest_kernel *ret)
{
        own_guest_kernel struct guest_kernel k = { .release = strdup(release), .own = is_own ? strdup(top) : NULL };

        if (asprintf(&k.image, "%s/boot/vmlinuz-%s", top, release) < 0)
                k.image = NULL;
        if (asprintf(&k.modules, "%s/lib/modules/%s", top, release) < 0)
                k.modules = NULL;
        if (!k.release || !k.image || !k.modules || (is_own && !k.own))
                return -ENOMEM;
        if (access(k.image, R_OK) < 0 || access(k.modules, R_OK | X_OK) < 0)
                return 0;
        guest_kernel_finish(ret);
        ret->release = take_ptr(k.release);
        ret->image = take_ptr(k.image);
        ret->modules = take_ptr(k.modules);
        ret->own = take_ptr(k.own);
        return 0;
}

/* The newest below a directory whose entries are named by the releases. all: the top of all; NULL: each is one. */
static int search(const char *directory, const char *all, struct guest_kernel *ret)
{
        own_dir DIR *dir = opendir(directory);
        const struct dirent *e;
        int r = 0;

        while (dir && r == 0 && (e = readdir(dir))) {
                own_mem char *top = NULL;

                if (e->d_name[0] == '.' || (all && !strstr(e->d_name, "cloud")) ||
                    (ret->release && strverscmp(e->d_name, ret->release) < 0))
                        continue;
                if (asprintf(&top, "%s/%s", directory, e->d_name) < 0) {
                        top = NULL;
                        return -ENOMEM;
                }
                r = take(all ? all : top, e->d_name, !all, ret);
        }
        return r;
}

static int search_all(const char *top, const char *root, struct guest_kernel *ret)
{
        own_mem char *kernels = NULL, *modules = NULL;
        int r;

        if (asprintf(&kernels, "%s%s/vm/kernels", top, root) < 0)
                kernels = NULL;
        if (asprintf(&modules, "%s/lib/modules", top) < 0)
                modules = NULL;
        if (!kernels || !modules)
                return -ENOMEM;
        r = search(kernels, NULL, ret);
        return r == 0 && !ret->release ? search(modules, top, ret) : r;
}

int guest_kernel_find_below(const char *top, const char *root, struct guest_kernel *ret, struct error *err)
{
        int r;

        *ret = (struct guest_kernel){};
        r = search_all(top, root, ret);
        if (r < 0) {
                guest_kernel_finish(ret);
                return error_errno(err, -r, "look for a kernel for guests");
        }
        if (!ret->release)
                return error_set(err, ENOENT,
                                 "no kernel for guests below %s/vm/kernels: holt system kernel gets one, or install "
                                 "linux-image-cloud-amd64",
                                 root);
        return 0;
}

int guest_kernel_find(const char *root, struct guest_kernel *ret, struct error *err)
{
        return guest_kernel_find_below("", root, ret, err);
}
