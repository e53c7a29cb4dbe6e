/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "container/seccomp_compile.h"
#include "container/seccomp_file.h"
#include "sys/fd.h"

/* `memory` is taken over. */
static void set_program(struct seccomp_program *p, void *memory, const struct seccomp_file *f)
{
        *p = (struct seccomp_program){
                .memory = memory,
                .bpf = { .len = (unsigned short)f->n_instructions, .filter = (struct sock_filter *)f->program },
                .flags = f->flags,
                .notify = f->notify,
        };
}

static bool has_notify(const struct spec_seccomp *profile)
{
        for (size_t i = 0; i < profile->n_rules; i++)
                if (profile->rules[i].action == SECCOMP_RET_USER_NOTIF)
                        return true;
        return false;
}

/* Compiles, and keeps the result where a cache is. */
static int compile(const struct spec_seccomp *profile, int cache_dirfd, const struct buf *key,
                   struct seccomp_program *ret, struct error *err)
{
        own_buf struct buf program = {};
        struct seccomp_file f;
        int r;

        r = seccomp_compile(profile, &program, err);
        if (r < 0)
                return r;
        seccomp_compact(&program);
        f = (struct seccomp_file){
                .program = (const void *)program.data,
                .n_instructions = program.len / sizeof(struct sock_filter),
        };
        if (cache_dirfd >= 0)
                (void)seccomp_cache_store(cache_dirfd, key, &f);
        set_program(ret, take_ptr(program.data), &f);
        return 0;
}

int seccomp_prepare(const struct spec_seccomp *profile, int cache_dirfd, struct seccomp_program *ret, struct error *err)
{
        struct seccomp_program p;
        own_buf struct buf key = {};
        struct seccomp_file f;
        void *memory;
        int r = -ENOENT;

        seccomp_key_add(profile, &key);
        if (buf_failed(&key))
                return error_set(err, ENOMEM, "out of memory");
        if (cache_dirfd >= 0)
                r = seccomp_cache_find(cache_dirfd, &key, &memory, &f);
        if (r == 0) {
                set_program(&p, memory, &f);
        } else {
                r = compile(profile, cache_dirfd, &key, &p, err);
                if (r < 0)
                        return r;
        }
        p.flags = profile->flags;
        p.notify = has_notify(profile);
        *ret = p;
        return 0;
}

void seccomp_finish(struct seccomp_program *p)
{
        free(p->memory);
        *p = (struct seccomp_program){};
}

int seccomp_program_save(const struct seccomp_program *p, int dirfd, const char *name, struct error *err)
{
        struct seccomp_file f = {
                .flags = p->flags, .notify = p->notify, .program = p->bpf.filter, .n_instructions = p->bpf.len
        };
        own_buf struct buf content = {};
        own_fd int fd = -1;
        int r;

        seccomp_file_format(&f, &content);
        if (buf_failed(&content))
                return error_set(err, ENOMEM, "out of memory");
        /* Nobody looks for it before the container is created: no rename is needed. */
        fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : fd_write_all(fd, content.data, content.len);
        return r < 0 ? error_errno(err, -r, "write %s", name) : 0;
}

int seccomp_program_load(int dirfd, const char *name, struct seccomp_program *ret, struct error *err)
{
        struct seccomp_file f;
        void *memory;
        int r;

        r = seccomp_file_read(dirfd, name, &memory, &f);
        if (r < 0)
                return error_errno(err, -r, "read %s", name);
        set_program(ret, memory, &f);
        return 0;
}
