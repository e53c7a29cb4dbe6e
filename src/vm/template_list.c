/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "sys/fd.h"
#include "vm/template.h"

static bool is_key(const char *name)
{
        return strlen(name) == SHA256_HEX - 1 && strspn(name, "0123456789abcdef") == SHA256_HEX - 1;
}

static uint64_t allocated(int dir, const char *name)
{
        struct stat st;

        return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}

static void look(const char *templates, int top, struct template_entry *e)
{
        own_fd int dir = openat(top, e->key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        own_template struct template t = { .memory = -1, .state = -1 };
        struct stat st;

        if (dir < 0 || fstat(dir, &st) < 0)
                return;
        e->used = st.st_mtim.tv_sec;
        e->bytes = allocated(dir, TEMPLATE_MEMORY) + allocated(dir, "state") + allocated(dir, "manifest") +
                   allocated(dir, TEMPLATE_PROCESS);
        e->is_damaged = template_open(templates, e->key, &t, NULL) < 0;
        e->manifest = t.manifest;
}

static int compare(const void *a, const void *b)
{
        const struct template_entry *x = a, *y = b;

        return x->used < y->used ? -1 : x->used > y->used;
}

static int read_all(DIR *d, const char *templates, struct template_entry **ret, size_t *ret_n)
{
        own_mem struct template_entry *v = NULL;
        const struct dirent *e;
        size_t n = 0;

        while ((e = readdir(d))) {
                struct template_entry *more;

                if (!is_key(e->d_name))
                        continue;
                more = realloc(v, (n + 1) * sizeof(*v));
                if (!more)
                        return -ENOMEM;
                v = more;
                v[n] = (struct template_entry){};
                memcpy(v[n].key, e->d_name, SHA256_HEX);
                look(templates, dirfd(d), &v[n++]);
        }
        if (n)
                qsort(v, n, sizeof(*v), compare);
        *ret = take_ptr(v);
        *ret_n = n;
        return 0;
}

int templates_list(const char *templates, struct template_entry **ret, size_t *ret_n, struct error *err)
{
        own_dir DIR *d = opendir(templates);
        int r = d ? read_all(d, templates, ret, ret_n) : -errno;

        if (r != -ENOENT)
                return r < 0 ? error_errno(err, -r, "list the templates") : 0;
        *ret = NULL;
        *ret_n = 0;
        return 0;
}
