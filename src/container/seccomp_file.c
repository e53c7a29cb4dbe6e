/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { MAX_KEY_SIZE = 1 << 20 };

static const char magic[8] = { 'h', 'o', 'l', 't', 'b', 'p', 'f', '1' };

struct header {
        char magic[sizeof magic];
        uint32_t flags, notify;
        uint32_t key_len, n_instructions;
        uint64_t checksum; /* of the program */
};

static size_t padded(size_t len)
{
        return (len + 7) & ~(size_t)7;
}

uint64_t seccomp_hash(const void *data, size_t len)
{
        const uint64_t prime = 0x9e3779b97f4a7c15;
        const char *p = data;
        uint64_t h = len, word;

        for (; len; p += sizeof word, len -= len < sizeof word ? len : sizeof word) {
                word = 0;
                memcpy(&word, p, len < sizeof word ? len : sizeof word);
                h = (h ^ word) * prime;
                h ^= h >> 32;
        }
        return h;
}

int seccomp_file_parse(const void *data, size_t len, struct seccomp_file *ret)
{
        const struct header *h = data;
        const char *key = (const char *)data + sizeof *h;
        size_t program_size;

        if (len < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0)
                return -EBADMSG;
        if (h->key_len > MAX_KEY_SIZE || h->n_instructions == 0 || h->n_instructions > BPF_MAXINSNS || h->notify > 1)
                return -EBADMSG;
        program_size = h->n_instructions * sizeof(struct sock_filter);
        if (len != sizeof *h + padded(h->key_len) + program_size)
                return -EBADMSG;
        if (seccomp_hash(key + padded(h->key_len), program_size) != h->checksum)
                return -EBADMSG;
        *ret = (struct seccomp_file){
                .flags = h->flags,
                .notify = h->notify,
                .key = key,
                .key_len = h->key_len,
                .program = (const void *)(key + padded(h->key_len)),
                .n_instructions = h->n_instructions,
        };
        return 0;
}

void seccomp_file_format(const struct seccomp_file *f, struct buf *out)
{
        static const char zeroes[8];
        size_t program_size = f->n_instructions * sizeof *f->program;
        struct header h = {
                .flags = f->flags,
                .notify = f->notify,
                .key_len = (uint32_t)f->key_len,
                .n_instructions = (uint32_t)f->n_instructions,
                .checksum = seccomp_hash(f->program, program_size),
        };

        memcpy(h.magic, magic, sizeof magic);
        buf_add(out, &h, sizeof h);
        buf_add(out, f->key, f->key_len);
        buf_add(out, zeroes, padded(f->key_len) - f->key_len);
        buf_add(out, f->program, program_size);
}

static int read_exactly(int fd, void *data, size_t len)
{
        ssize_t n;

        do
                n = read(fd, data, len);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == len ? 0 : -EBADMSG;
}

int seccomp_file_read(int dirfd, const char *name, void **ret_data, struct seccomp_file *ret)
{
        const size_t max = sizeof(struct header) + MAX_KEY_SIZE + BPF_MAXINSNS * sizeof(struct sock_filter);
        own_fd int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        own_mem void *data = NULL;
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
                return -EPERM;
        if (st.st_size <= 0 || (size_t)st.st_size > max)
                return -EBADMSG;
        data = malloc((size_t)st.st_size);
        if (!data)
                return -ENOMEM;
        r = read_exactly(fd, data, (size_t)st.st_size);
        if (r == 0)
                r = seccomp_file_parse(data, (size_t)st.st_size, ret);
        if (r == 0)
                *ret_data = take_ptr(data);
        return r;
}
