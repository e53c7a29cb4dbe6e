/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "container/seccomp_file.h"
#include "sys/fd.h"

enum { MAX_FILES = 64 };

void seccomp_cache_name(const struct buf *key, char name[SECCOMP_CACHE_NAME])
{
        snprintf(name, SECCOMP_CACHE_NAME, "%016llx.bpf", (unsigned long long)seccomp_hash(key->data, key->len));
}

int seccomp_cache_find(int dirfd, const struct buf *key, void **ret_data, struct seccomp_file *ret)
{
        own_mem void *data = NULL;
        struct seccomp_file f;
        char name[SECCOMP_CACHE_NAME];
        int r;

        seccomp_cache_name(key, name);
        r = seccomp_file_read(dirfd, name, &data, &f);
        if (r < 0)
                return r;
        if (f.key_len != key->len || memcmp(f.key, key->data, key->len) != 0)
                return -ENOENT;
        *ret_data = take_ptr(data);
        *ret = f;
        return 0;
}

static bool is_older(struct timespec a, struct timespec b)
{
        return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* Finds the oldest file and counts them all. */
static int find_oldest(DIR *dir, unsigned *ret_count, char oldest[SECCOMP_CACHE_NAME])
{
        struct timespec time = {};
        struct dirent *e;
        struct stat st;
        unsigned n = 0;

        while ((e = readdir(dir))) {
                size_t len = strlen(e->d_name);

                if (len >= SECCOMP_CACHE_NAME || len < 4 || strcmp(e->d_name + len - 4, ".bpf") != 0)
                        continue;
                if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (n++ && !is_older(st.st_mtim, time))
                        continue;
                time = st.st_mtim;
                memcpy(oldest, e->d_name, len + 1);
        }
        *ret_count = n;
        return 0;
}

static int remove_surplus(int dirfd)
{
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        char oldest[SECCOMP_CACHE_NAME];
        unsigned n;

        if (!dir) {
                if (fd >= 0)
                        close(fd);
                return -errno;
        }
        for (;;) {
                find_oldest(dir, &n, oldest);
                if (n <= MAX_FILES)
                        return 0;
                if (unlinkat(dirfd, oldest, 0) < 0 && errno != ENOENT)
                        return -errno;
                rewinddir(dir);
        }
}

int seccomp_cache_store(int dirfd, const struct buf *key, const struct seccomp_file *f)
{
        struct seccomp_file keyed = *f;
        own_buf struct buf content = {};
        char name[SECCOMP_CACHE_NAME];
        int r;

        keyed.key = key->data;
        keyed.key_len = key->len;
        seccomp_file_format(&keyed, &content);
        if (buf_failed(&content))
                return -ENOMEM;
        seccomp_cache_name(key, name);
        r = fd_replace_file_at(dirfd, name, content.data, content.len, 0600);
        return r < 0 ? r : remove_surplus(dirfd);
}
