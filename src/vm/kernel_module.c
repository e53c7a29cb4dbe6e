/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/kernel_module.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/fd.h"

enum { MAX_MODULE = 64 << 20, MAX_DEPTH = 12, MAX_NAME = KERNEL_MODULE_NAME };

/* ---- one file ---- */

static bool holds(size_t len, uint64_t offset, uint64_t size)
{
        return offset <= len && size <= len - offset;
}

static int section_find(const char *file, size_t len, const char *name, const char **ret, size_t *ret_len)
{
        const Elf64_Ehdr *h = (const void *)file;
        const Elf64_Shdr *s, *names;

        if (len < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
            h->e_shentsize != sizeof(*s) || !holds(len, h->e_shoff, (uint64_t)h->e_shnum * sizeof(*s)) ||
            h->e_shoff % _Alignof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
                return -EINVAL;
        s = (const void *)(file + h->e_shoff);
        names = &s[h->e_shstrndx];
        if (!holds(len, names->sh_offset, names->sh_size))
                return -EINVAL;
        for (unsigned i = 0; i < h->e_shnum; i++) {
                size_t size = strlen(name) + 1;

                if (!holds(names->sh_size, s[i].sh_name, size) ||
                    memcmp(file + names->sh_offset + s[i].sh_name, name, size) != 0)
                        continue;
                if (!holds(len, s[i].sh_offset, s[i].sh_size))
                        return -EINVAL;
                *ret = file + s[i].sh_offset;
                *ret_len = s[i].sh_size;
                return 0;
        }
        return -EINVAL;
}

/* The strings of .modinfo, the last of which has its end. */
static int strings_find(const void *file, size_t len, const char **ret, const char **ret_end)
{
        size_t size = 0;

        if (section_find(file, len, ".modinfo", ret, &size) < 0 || size == 0 || (*ret)[size - 1])
                return -EINVAL;
        *ret_end = *ret + size;
        return 0;
}

const char *kernel_module_next(const void *file, size_t len, const char *key, const char *after)
{
        const char *p = NULL, *end = NULL;

        if (strings_find(file, len, &p, &end) < 0)
                return NULL;
        for (p = after ? after + strlen(after) + 1 : p; p < end; p += strlen(p) + 1)
                if (strncmp(p, key, strlen(key)) == 0)
                        return p + strlen(key);
        return NULL;
}

int kernel_module_depends(const void *file, size_t len, const char **ret, struct error *err)
{
        const char *p = NULL, *end = NULL;

        *ret = NULL;
        if (strings_find(file, len, &p, &end) < 0)
                return error_set(err, EINVAL, "not a kernel module");
        for (const char *v = NULL; (v = kernel_module_next(file, len, "depends=", v));)
                *ret = v;
        return 0;
}

/* ---- all files ---- */

struct index {
        struct kernel_module *v;
        size_t n, cap;
        struct arena *arena;
};

void kernel_module_name(const char *file, char ret[MAX_NAME])
{
        size_t n = strcspn(file, ".");

        n = n < MAX_NAME ? n : MAX_NAME - 1;
        for (size_t i = 0; i < n; i++)
                ret[i] = file[i];
        for (char *dash = ret; (dash = memchr(dash, '-', (size_t)(ret + n - dash))); dash++)
                *dash = '_';
        ret[n] = '\0';
}

void kernel_module_normalize(char *name)
{
        for (; *name; name++) {
                if (*name == '[')
                        name += strcspn(name, "]");
                if (*name == '-')
                        *name = '_';
                if (!*name)
                        return;
        }
}

static int index_add(struct index *x, const char *path, const char *file)
{
        char name[MAX_NAME];

        if (x->n == x->cap) {
                size_t cap = x->cap ? 2 * x->cap : 256;
                struct kernel_module *v = arena_alloc(x->arena, cap, sizeof(*v));

                if (!v)
                        return -ENOMEM;
                if (x->n)
                        memcpy(v, x->v, x->n * sizeof(*v));
                x->v = v;
                x->cap = cap;
        }
        kernel_module_name(file, name);
        x->v[x->n].name = arena_strdup(x->arena, name);
        x->v[x->n].path = arena_strdup(x->arena, path);
        if (!x->v[x->n].name || !x->v[x->n].path)
                return -ENOMEM;
        x->n++;
        return 0;
}

static int index_directory(struct index *x, int parent, const char *path, unsigned depth)
{
        own_dir DIR *dir = NULL;
        int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        const struct dirent *e;

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while (r == 0 && (e = readdir(dir))) {
                own_mem char *below = NULL;
                size_t n = strlen(e->d_name);

                if (e->d_name[0] == '.')
                        continue;
                if (asprintf(&below, "%s/%s", path, e->d_name) < 0) {
                        below = NULL;
                        return -ENOMEM;
                }
                if (e->d_type == DT_DIR && depth < MAX_DEPTH)
                        r = index_directory(x, parent, below, depth + 1);
                else if (n > 3 && strcmp(e->d_name + n - 3, ".ko") == 0)
                        r = index_add(x, below, e->d_name);
        }
        return r;
}

static const struct kernel_module *module_find(const struct kernel_module *v, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(v[i].name, name) == 0)
                        return &v[i];
        return NULL;
}

/* ---- the order ---- */

struct resolution {
        int directory;
        const struct index *index;
        struct kernel_modules *out;
        struct error *err;
};

static int resolve(struct resolution *s, const char *name, unsigned depth);

static int resolve_list(struct resolution *s, const char *list, unsigned depth)
{
        char file[MAX_NAME], name[MAX_NAME];

        while (*list) {
                size_t n = strcspn(list, ",");

                if (n >= sizeof(file))
                        return error_set(s->err, EINVAL, "a module's name is too long");
                memcpy(file, list, n);
                file[n] = '\0';
                kernel_module_name(file, name);
                if (n) {
                        int r = resolve(s, name, depth);

                        if (r < 0)
                                return r;
                }
                list += n + (list[n] == ',');
        }
        return 0;
}

static int resolve_needs(struct resolution *s, const struct kernel_module *m, unsigned depth)
{
        own_buf struct buf file = {};
        own_fd int fd = openat(s->directory, m->path, O_RDONLY | O_CLOEXEC);
        const char *needs = NULL;
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_MODULE, &file);

        if (r < 0)
                return error_errno(s->err, -r, "read %s", m->path);
        r = kernel_module_depends(file.data, file.len, &needs, s->err);
        if (r < 0)
                return error_wrap(s->err, "%s", m->path);
        return needs ? resolve_list(s, needs, depth) : 0;
}

static int resolve(struct resolution *s, const char *name, unsigned depth)
{
        const struct kernel_module *m = module_find(s->index->v, s->index->n, name);
        int r;

        if (!m || module_find(s->out->v, s->out->n, name))
                return 0;
        if (depth > MAX_DEPTH)
                return error_set(s->err, ELOOP, "%s: modules that need each other", name);
        r = resolve_needs(s, m, depth + 1);
        if (r == 0)
                s->out->v[s->out->n++] = *m;
        return r;
}

int kernel_modules_resolve(int directory, const char *const *names, size_t n_names, struct kernel_modules *ret,
                           struct error *err)
{
        struct index x = { .arena = &ret->arena };
        struct resolution s = { .directory = directory, .index = &x, .out = ret, .err = err };
        int r = index_directory(&x, directory, "kernel", 0);

        if (r < 0)
                return error_errno(err, -r, "list the kernel's modules");
        ret->v = arena_alloc(&ret->arena, x.n + 1, sizeof(*ret->v));
        if (!ret->v)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < n_names && r == 0; i++)
                r = resolve(&s, names[i], 0);
        return r;
}

int kernel_modules_list(int directory, struct kernel_modules *ret, struct error *err)
{
        struct index x = { .arena = &ret->arena };
        int r = index_directory(&x, directory, "kernel", 0);

        if (r < 0)
                return error_errno(err, -r, "list the kernel's modules");
        ret->v = x.v;
        ret->n = x.n;
        return 0;
}

void kernel_modules_finish(struct kernel_modules *m)
{
        arena_finish(&m->arena);
        *m = (struct kernel_modules){};
}
