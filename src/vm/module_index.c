/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/module_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "sys/fd.h"
#include "vm/kernel_module.h"

#define LAST "modules.dep.bin"

enum { MAX_MODULE = 64 << 20, MAX_BUILTIN = 4 << 20 };

/* One file of text and the trie of the same. */
struct table {
        struct buf text;
        struct trie_entry *v;
        size_t n, cap;
};

struct index {
        struct kernel_modules modules;
        const char **needs; /* of each of them: "depends=" */
        bool *listed;       /* those that the line at hand has */
        struct table dep, alias;
        struct arena arena;
};

static void index_finish(struct index *x)
{
        struct table *const tables[] = { &x->dep, &x->alias };

        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                buf_finish(&tables[i]->text);
                free(tables[i]->v);
        }
        free(x->needs);
        free(x->listed);
        kernel_modules_finish(&x->modules);
        arena_finish(&x->arena);
}

static int table_add(struct table *t, struct arena *a, const char *key, const char *value)
{
        char *name = arena_strdup(a, key);
        struct trie_entry e = { name, arena_strdup(a, value), (uint32_t)t->n };

        if (!name || !e.value || array_grow(&t->v, &t->cap, t->n + 1, sizeof(*t->v)) < 0)
                return -ENOMEM;
        kernel_module_normalize(name);
        t->v[t->n++] = e;
        return 0;
}

/* ---- names ---- */

static bool is_ascii(const char *s)
{
        while (*s && !(*s & 0x80))
                s++;
        return !*s;
}

static int add_aliases(struct index *x, const struct kernel_module *m, const struct buf *file)
{
        int r = 0;

        for (const char *v = NULL; r == 0 && (v = kernel_module_next(file->data, file->len, "alias=", v));) {
                if (!is_ascii(v))
                        continue;
                buf_addf(&x->alias.text, "alias %s %s\n", v, m->name);
                r = table_add(&x->alias, &x->arena, v, m->name);
        }
        return r;
}

static int read_module(struct index *x, int directory, size_t i)
{
        const struct kernel_module *m = &x->modules.v[i];
        own_buf struct buf file = {};
        own_fd int fd = openat(directory, m->path, O_RDONLY | O_CLOEXEC);
        const char *needs;
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_MODULE, &file);

        if (r < 0)
                return r;
        needs = kernel_module_next(file.data, file.len, "depends=", NULL);
        x->needs[i] = arena_strdup(&x->arena, needs ? needs : "");
        return x->needs[i] ? add_aliases(x, m, &file) : -ENOMEM;
}

/* ---- needs ---- */

/* list: it is the first in it. It is named as its file is, without ".ko". */
static size_t find(const struct index *x, const char *list, size_t len)
{
        char file[KERNEL_MODULE_NAME] = "", name[KERNEL_MODULE_NAME];
        size_t i = 0;

        memcpy(file, list, len < sizeof(file) ? len : sizeof(file) - 1);
        kernel_module_name(file, name);
        while (i < x->modules.n && strcmp(x->modules.v[i].name, name) != 0)
                i++;
        return i;
}

/* What a module needs stands behind it: they are loaded from the last to the first. */
static void list_needs(struct index *x, size_t i, size_t *order, size_t *n)
{
        for (const char *p = x->needs[i]; *p;) {
                size_t len = strcspn(p, ","), other = find(x, p, len);

                if (len && other < x->modules.n && !x->listed[other]) {
                        x->listed[other] = true;
                        list_needs(x, other, order, n);
                }
                p += len + (p[len] == ',');
        }
        order[(*n)++] = i;
}

static int add_dependencies(struct index *x, size_t i, size_t *order)
{
        own_buf struct buf line = {};
        size_t n = 0;
        int r;

        memset(x->listed, 0, x->modules.n * sizeof(*x->listed));
        x->listed[i] = true;
        list_needs(x, i, order, &n);
        buf_addf(&line, "%s:", x->modules.v[i].path);
        while (--n > 0)
                buf_addf(&line, " %s", x->modules.v[order[n - 1]].path);
        r = buf_failed(&line) ? -ENOMEM : table_add(&x->dep, &x->arena, x->modules.v[i].name, buf_str(&line));
        buf_addf(&x->dep.text, "%s\n", buf_str(&line));
        return r;
}

/* ---- all of it ---- */

static int read_all(struct index *x, int directory, struct error *err)
{
        own_mem size_t *order = NULL;
        int r = kernel_modules_list(directory, &x->modules, err);

        if (r < 0)
                return r;
        x->needs = calloc(x->modules.n + 1, sizeof(*x->needs));
        x->listed = calloc(x->modules.n + 1, sizeof(*x->listed));
        order = calloc(x->modules.n + 1, sizeof(*order));
        r = x->needs && x->listed && order ? 0 : -ENOMEM;
        for (size_t i = 0; i < x->modules.n && r == 0; i++)
                r = read_module(x, directory, i);
        for (size_t i = 0; i < x->modules.n && r == 0; i++)
                r = add_dependencies(x, i, order);
        return r < 0 ? error_errno(err, -r, "read the kernel's modules") : 0;
}

static int replace(int directory, const char *name, const struct buf *content, struct error *err)
{
        int r = buf_failed(content) ? -ENOMEM
                                    : fd_replace_file_at(directory, name, buf_str(content), content->len, 0644);

        return r < 0 ? error_errno(err, -r, "write %s", name) : 0;
}

static int write_trie(int directory, const char *name, struct table *t, struct error *err)
{
        own_buf struct buf file = {};

        module_trie_write(t->v, t->n, &file);
        return replace(directory, name, &file, err);
}

/* Of what is built in there is a list, which the kernel's own build writes. */
static int write_builtin(struct index *x, int directory, struct error *err)
{
        own_fd int fd = openat(directory, "modules.builtin", O_RDONLY | O_CLOEXEC);
        own_buf struct buf list = {};
        struct table t = {};
        char *rest, *line;
        int r = fd < 0 ? 0 : fd_read_all(fd, MAX_BUILTIN, &list);

        rest = list.data;
        while (r == 0 && rest && (line = strsep(&rest, "\n"))) {
                const char *slash = strrchr(line, '/');
                char name[KERNEL_MODULE_NAME];

                if (!*line)
                        continue;
                kernel_module_name(slash ? slash + 1 : line, name);
                r = table_add(&t, &x->arena, name, "");
        }
        r = r < 0 ? error_errno(err, -r, "read modules.builtin")
                  : write_trie(directory, "modules.builtin.bin", &t, err);
        free(t.v);
        return r;
}

int module_index_write(int directory, struct error *err)
{
        struct index x = {};
        int r;

        if (faccessat(directory, LAST, F_OK, 0) == 0)
                return 0;
        r = read_all(&x, directory, err);
        if (r == 0)
                r = replace(directory, "modules.dep", &x.dep.text, err);
        if (r == 0)
                r = replace(directory, "modules.alias", &x.alias.text, err);
        if (r == 0)
                r = write_trie(directory, "modules.alias.bin", &x.alias, err);
        if (r == 0)
                r = write_builtin(&x, directory, err);
        if (r == 0)
                r = write_trie(directory, LAST, &x.dep, err);
        index_finish(&x);
        return r;
}
