/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/modprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/module.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/buf.h"
#include "base/own.h"
#include "sys/fd.h"
#include "vm/kernel_module.h"

enum { MAX_INDEX = 64 << 20, MAX_ALIAS = 1024 };

static int read_index(int directory, const char *name, struct buf *ret, struct error *err)
{
        own_fd int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_INDEX, ret);

        return r < 0 ? error_errno(err, -r, "read %s", name) : 0;
}

/* ---- one module ---- */

/* It may be compressed, which the kernel has to understand. */
static int load_file(int directory, const char *path, struct error *err)
{
        own_fd int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
        const char *end = strrchr(path, '.');
        int flags = end && strcmp(end, ".ko") == 0 ? 0 : MODULE_INIT_COMPRESSED_FILE;

        if (fd < 0 || (syscall(SYS_finit_module, fd, "", flags) < 0 && errno != EEXIST))
                return error_errno(err, errno, "load %s", path);
        return 0;
}

/* The line of modules.dep that begins with the file of that module; NULL. */
static char *find_line(char *text, const char *module)
{
        char name[KERNEL_MODULE_NAME];

        for (char *line = text, *next; line && *line; line = next) {
                size_t path = strcspn(line, ":\n");
                const char *slash = memrchr(line, '/', path);

                next = strchr(line, '\n');
                next = next ? next + 1 : NULL;
                kernel_module_name(slash ? slash + 1 : line, name);
                if (strcmp(name, module) == 0 && line[path] == ':')
                        return line;
        }
        return NULL;
}

/* "a.ko: b.ko c.ko": the last one is needed first. dep: is cut into pieces. */
static int load_module(int directory, const struct buf *dep, const char *module, struct error *err)
{
        const char *line = dep->len ? find_line(dep->data, module) : NULL;
        own_mem char *copy = line ? strndup(line, strcspn(line, "\n")) : NULL;
        char *last;
        int r = 0;

        if (!line)
                return error_set(err, ENOENT, "there is no module %s", module);
        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        while (r == 0 && (last = strrchr(copy, ' '))) {
                *last = '\0';
                r = last[1] ? load_file(directory, last + 1, err) : 0;
        }
        copy[strcspn(copy, ":")] = '\0';
        return r < 0 ? r : load_file(directory, copy, err);
}

/* ---- names ---- */

static bool is_meant(char *pattern, const char *name)
{
        kernel_module_normalize(pattern);
        return fnmatch(pattern, name, 0) == 0;
}

/* Lines "alias PATTERN MODULE". */
static int load_aliases(int directory, const struct buf *dep, const char *name, struct error *err)
{
        own_buf struct buf aliases = {};
        int r = read_index(directory, "modules.alias", &aliases, err), loaded = 0;
        char *rest = aliases.data, *line;

        while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
                char *word = strsep(&line, " "), *pattern = strsep(&line, " ");

                if (strcmp(word, "alias") != 0 || !pattern || !line || !is_meant(pattern, name))
                        continue;
                r = load_module(directory, dep, line, err);
                loaded++;
        }
        return r == 0 && !loaded ? error_set(err, ENOENT, "no module is meant by %s", name) : r;
}

int modprobe_load(int directory, const char *name, struct error *err)
{
        own_buf struct buf dep = {};
        char wanted[MAX_ALIAS];
        int r;

        if (snprintf(wanted, sizeof(wanted), "%s", name) >= (int)sizeof(wanted))
                return error_set(err, ENAMETOOLONG, "no module has such a name");
        kernel_module_normalize(wanted);
        r = read_index(directory, "modules.dep", &dep, err);
        if (r < 0)
                return r;
        r = load_module(directory, &dep, wanted, err);
        return r == -ENOENT ? load_aliases(directory, &dep, wanted, err) : r;
}

int modprobe_main(const char *name)
{
        char path[sizeof(GUEST_MODULES) + sizeof(struct utsname)];
        struct error ignored;
        struct utsname u;
        own_fd int directory = -1;

        uname(&u);
        snprintf(path, sizeof(path), GUEST_MODULES "/%s", u.release);
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return directory < 0 || modprobe_load(directory, name, &ignored) < 0;
}
