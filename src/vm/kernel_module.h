/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules of a kernel that may have been unpacked from its package and never been installed: what depmod(8) would write
 * down is read out of the modules themselves (section .modinfo, "depends=").
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct kernel_module {
        const char *name; /* as the kernel says it: with underscores */
        const char *path; /* below the directory of the modules */
};

/* In the order in which they can be loaded. */
struct kernel_modules {
        struct kernel_module *v;
        size_t n;
        struct arena arena;
};

#define own_kernel_modules __attribute__((cleanup(kernel_modules_finish)))
void kernel_modules_finish(struct kernel_modules *m);

/*
 * The modules of these names and what they need. A name that no module has is built in, as far as anyone can tell.
 * directory: /lib/modules/RELEASE.
 */
int kernel_modules_resolve(int directory, const char *const *names, size_t n_names, struct kernel_modules *ret,
                           struct error *err);

/* All of them, in no order. */
int kernel_modules_list(int directory, struct kernel_modules *ret, struct error *err);

enum { KERNEL_MODULE_NAME = 64 };

/* A module's name by that of its file: "virtio-rng.ko" is virtio_rng. */
void kernel_module_name(const char *file, char ret[KERNEL_MODULE_NAME]);

/* Between dashes and underscores of a name that is asked for there is no difference, but in sets of characters: makes all
 * of them underscores. */
void kernel_module_normalize(char *name);

/* The value of the next entry of a module's file that begins with key ("alias="), behind the value `after` (NULL: the
 * first one); NULL when there is none. It lies in the file. */
const char *kernel_module_next(const void *file, size_t len, const char *key, const char *after);

/*
 * The value of "depends=" of a module's file (ELF, 64 bits, of this machine's byte order), NULL when it has none:
 * -EINVAL when it is no such file. *ret lies in the file.
 */
int kernel_module_depends(const void *file, size_t len, const char **ret, struct error *err);
