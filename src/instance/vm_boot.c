/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_boot.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "instance/backend.h"
#include "instance/instance.h"
#include "instance/vm_modules.h"
#include "sys/sibling_program.h"
#include "vm/guest_kernel.h"
#include "vm/initramfs.h"

#define MODULES "modules-"

/* What is younger may be of one who cannot be seen from here. */
enum { FRESH = 600 };

static int open_boot(const struct engine *e, DIR **ret, struct error *err)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/vm/boot", e->root) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        *ret = opendir(path);
        return *ret ? 0 : error_errno(err, errno, "open %s", path);
}

/* The length of what is a name of ours; 0: it is none. */
static size_t name_length(const char *name)
{
        size_t prefix = strncmp(name, MODULES, strlen(MODULES)) == 0 ? strlen(MODULES) : 0;
        size_t digits = strspn(name + prefix, "0123456789abcdef");

        return digits == SHA256_HEX - 1 ? prefix + digits : 0;
}

static bool is_name(const char *name)
{
        size_t len = name_length(name);

        return len && !name[len];
}

/* ---- whose they are ---- */

/* What a machine that is started now boots from; "" where there is nothing to boot. */
struct present {
        char initramfs[SHA256_HEX], modules[80];
        int64_t since;   /* of the initramfs, ns since 1970; INT64_MAX: it is not made yet */
        bool is_running; /* a machine, and one that is older */
        bool is_old_running;
        const struct engine *e;
};

static void find_present(const struct engine *e, int boot, struct present *ret)
{
        own_guest_kernel struct guest_kernel kernel = {};
        own_mem char *modules = NULL;
        char agent[PATH_MAX];
        struct error ignored;
        struct stat st;

        *ret = (struct present){ .e = e, .since = INT64_MAX };
        if (sibling_program_find("holt-agent", agent, &ignored) < 0 ||
            guest_kernel_find(e->root, &kernel, &ignored) < 0 ||
            initramfs_key(&kernel, agent, ret->initramfs, &ignored) < 0)
                return;
        if (vm_modules_path(e->root, &kernel, &modules, &ignored) == 0 && !kernel.own)
                snprintf(ret->modules, sizeof(ret->modules), "%s", strrchr(modules, '/') + 1);
        if (fstatat(boot, ret->initramfs, &st, AT_SYMLINK_NOFOLLOW) == 0)
                ret->since = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
}

/* Its shim's socket is as old as the shim. One that has none yet may have found what is not present any more. */
static int look_at_instance(void *userdata, struct instance *i)
{
        struct present *p = userdata;
        char path[PATH_MAX];
        struct stat st;

        if (!i->damage && !i->backend->is_machine)
                return 0;
        snprintf(path, sizeof(path), "%s/instances/%s", p->e->run, i->id);
        if (lstat(path, &st) < 0)
                return 0;
        p->is_running = true;
        snprintf(path, sizeof(path), "%s/instances/%s/socket", p->e->run, i->id);
        if (lstat(path, &st) < 0 || st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec <= p->since)
                p->is_old_running = true;
        return 0;
}

/* ---- all of them ---- */

static int add(int boot, const char *name, const struct present *p, struct vm_boot_file **v, size_t *n)
{
        struct vm_boot_file *more;
        struct stat st;

        if (!is_name(name) || fstatat(boot, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return 0;
        more = realloc(*v, (*n + 1) * sizeof(**v));
        if (!more)
                return -ENOMEM;
        *v = more;
        more += (*n)++;
        *more = (struct vm_boot_file){ .bytes = (uint64_t)st.st_blocks * 512, .made = st.st_mtim.tv_sec };
        memcpy(more->name, name, name_length(name));
        more->is_current = strcmp(name, p->initramfs) == 0 || strcmp(name, p->modules) == 0;
        more->is_used = more->is_current ? p->is_running : p->is_old_running;
        return 0;
}

int vm_boot_list(struct engine *e, struct vm_boot_file **ret, size_t *ret_n, struct error *err)
{
        own_mem struct vm_boot_file *v = NULL;
        own_dir DIR *boot = NULL;
        const struct dirent *entry;
        struct present present;
        size_t n = 0;
        int r = open_boot(e, &boot, err);

        *ret = NULL;
        *ret_n = 0;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        find_present(e, dirfd(boot), &present);
        r = instances(e, look_at_instance, &present, err);
        if (r < 0)
                return r;
        while ((entry = readdir(boot)))
                if (add(dirfd(boot), entry->d_name, &present, &v, &n) < 0)
                        return error_set(err, ENOMEM, "out of memory");
        *ret = take_ptr(v);
        *ret_n = n;
        return 0;
}

int vm_boot_remove(struct engine *e, const char *name, struct error *err)
{
        own_mem struct vm_boot_file *v = NULL;
        own_dir DIR *boot = NULL;
        size_t n = 0;
        int r = open_boot(e, &boot, err);

        if (r == 0)
                r = vm_boot_list(e, &v, &n, err);

        for (size_t i = 0; r == 0 && i < n; i++)
                if (strcmp(v[i].name, name) == 0 && v[i].is_used)
                        return error_set(err, EBUSY, "a machine that runs may want %s", name);
        if (r == 0 && unlinkat(dirfd(boot), name, 0) < 0)
                r = error_errno(err, errno, "remove %s", name);
        return r;
}

/* ---- what is no more ---- */

/* ".NAME.PID", "NAME.PID": what was to become NAME. */
static bool is_part(int boot, const char *name)
{
        const char *text = name + (*name == '.'), *pid = text + name_length(text);
        struct stat st;
        uint32_t n;

        return pid != text && *pid == '.' && parse_u32(pid + 1, 10, &n) == 0 && n <= INT_MAX && kill((pid_t)n, 0) < 0 &&
               errno == ESRCH && fstatat(boot, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_mtim.tv_sec + FRESH < time(NULL);
}

void vm_boot_sweep(const struct engine *e)
{
        own_dir DIR *boot = NULL;
        const struct dirent *entry;

        if (open_boot(e, &boot, NULL) < 0)
                return;
        while ((entry = readdir(boot)))
                if (is_part(dirfd(boot), entry->d_name))
                        unlinkat(dirfd(boot), entry->d_name, 0);
}
