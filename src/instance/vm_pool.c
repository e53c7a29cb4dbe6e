/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"

/* monitor/pool.h has the names and the word for its end. */
enum { KEY = 64, END = 'e' };

int vm_pool_path(const struct engine *e, char **ret)
{
        if (asprintf(ret, "%s/vm-pool", e->run) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

/* ---- how many ---- */

static int read_size(const struct engine *e, char *ret, size_t size)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/vm/pool", e->root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return (int)fd_read_file_at(AT_FDCWD, path, ret, size);
}

bool vm_pool_is_wanted(void)
{
        const char *wish = getenv("HOLT_VM_POOL");

        return !wish || strcmp(wish, "none") != 0;
}

uint32_t vm_pool_size(const struct engine *e, const struct holt_conf *c)
{
        const char *wish = getenv("HOLT_VM_POOL");
        char text[16];
        uint32_t n;

        if (wish && strcmp(wish, "none") == 0)
                return 0;
        if (wish && parse_u32(wish, 10, &n) == 0)
                return n < VM_POOL_MAX ? n : VM_POOL_MAX;
        return read_size(e, text, sizeof(text)) > 0 && parse_u32(text, 10, &n) == 0 && n <= VM_POOL_MAX ? n
                                                                                                        : c->vm_pool;
}

static int write_size(const struct engine *e, uint32_t size, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int dir = -1;
        char text[16];
        int r, n = snprintf(text, sizeof(text), "%u\n", size);

        if (asprintf(&path, "%s/vm", e->root) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        r = fd_mkdir_all(path, 0700);
        dir = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = dir < 0 ? -errno : fd_replace_file_at(dir, "pool", text, (size_t)n, 0600);
        return r < 0 ? error_errno(err, -r, "write %s/pool", path) : 0;
}

void vm_pool_end(const struct engine *e, const char *name)
{
        static const char word = END;
        own_mem char *path = NULL, *mark = NULL;
        own_fd int fd = -1, file = -1;

        if (asprintf(&path, "%s/vm-pool/instances/%s/socket", e->run, name) < 0)
                path = NULL;
        if (asprintf(&mark, "%s/vm-pool/instances/%s/no-more", e->run, name) < 0)
                mark = NULL;
        if (!path || !mark)
                return;
        /* First for who is not ready, and looks for it when he is. */
        file = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0)
                return;
        fd = fd_connect_unix(path);
        if (fd >= 0)
                fd_send(fd, &word, 1, NULL, 0);
}

/* Of each kind so many stay. */
int vm_pool_set_size(const struct engine *e, uint32_t size, struct error *err)
{
        own_mem struct vm_pool_entry *v = NULL;
        size_t n = 0;
        int r = write_size(e, size, err);

        if (r == 0)
                r = vm_pool_list(e, &v, &n, err);
        for (size_t i = 0; r == 0 && i < n; i++) {
                uint32_t before = 0;

                for (size_t j = 0; j < i; j++)
                        before += strcmp(v[j].key, v[i].key) == 0;
                if (before >= size)
                        vm_pool_end(e, v[i].name);
        }
        return r;
}

/* ---- which ---- */

/* False: it is no more, or none. */
static bool look(int top, const char *name, struct vm_pool_entry *ret)
{
        own_fd int place = -1;
        struct stat st;

        if (strlen(name) <= KEY || strlen(name) >= sizeof(ret->name) || name[KEY] != '-')
                return false;
        place = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (place < 0 || fstat(place, &st) < 0 || flock(place, LOCK_SH | LOCK_NB) == 0)
                return false;
        *ret = (struct vm_pool_entry){ .since = st.st_mtim.tv_sec,
                                       .is_ready = faccessat(place, "socket", F_OK, 0) == 0 };
        snprintf(ret->key, sizeof(ret->key), "%.12s", name);
        snprintf(ret->name, sizeof(ret->name), "%s", name);
        return true;
}

static int read_all(DIR *d, struct vm_pool_entry **ret, size_t *ret_n)
{
        own_mem struct vm_pool_entry *v = NULL;
        const struct dirent *e;
        size_t n = 0;

        while ((e = readdir(d))) {
                struct vm_pool_entry one, *more;

                if (!look(dirfd(d), e->d_name, &one))
                        continue;
                more = realloc(v, (n + 1) * sizeof(*v));
                if (!more)
                        return -ENOMEM;
                v = more;
                v[n++] = one;
        }
        *ret = take_ptr(v);
        *ret_n = n;
        return 0;
}

int vm_pool_list(const struct engine *e, struct vm_pool_entry **ret, size_t *ret_n, struct error *err)
{
        own_mem char *path = NULL;
        own_dir DIR *d = NULL;
        int r;

        *ret = NULL;
        *ret_n = 0;
        if (asprintf(&path, "%s/vm-pool/instances", e->run) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        d = opendir(path);
        r = d ? read_all(d, ret, ret_n) : errno == ENOENT ? 0 : -errno;
        return r < 0 ? error_errno(err, -r, "look for the machines that wait") : 0;
}
