/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container/seccomp.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

static long seccomp_call(unsigned operation, unsigned flags, const void *args)
{
        return syscall(SYS_seccomp, operation, flags, args);
}

/* One thread needs no TSYNC; WAIT_KILLABLE_RECV without a listener is refused by the kernel and would mean nothing. */
static unsigned kernel_flags(const struct seccomp_program *p)
{
        unsigned flags = p->flags & ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC;

        if (p->notify)
                return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
        return flags & ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

/* A flag that the kernel knows gets as far as the missing program: EFAULT. */
static int find_unknown_flag(unsigned flags, struct error *err)
{
        for (const struct name_value *f = oci_seccomp_flags; f->name; f++) {
                unsigned flag = (unsigned)f->value;

                if (!(flags & flag))
                        continue;
                if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
                        flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
                if (seccomp_call(SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EINVAL)
                        return error_set(err, ENOTSUP, "seccomp: this kernel does not know %s", f->name);
        }
        return 0;
}

static int find_unknown_action(const struct seccomp_program *p, struct error *err)
{
        for (const struct name_value *a = oci_seccomp_actions; a->name; a++) {
                uint32_t action = (uint32_t)a->value;

                if (seccomp_call(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
                        continue;
                for (size_t i = 0; i < p->bpf.len; i++) {
                        const struct sock_filter *s = &p->bpf.filter[i];

                        if (s->code == (BPF_RET | BPF_K) && (s->k & SECCOMP_RET_ACTION_FULL) == action)
                                return error_set(err, ENOTSUP, "seccomp: this kernel does not know %s", a->name);
                }
        }
        return 0;
}

int seccomp_install(const struct seccomp_program *p, int *ret_listener, struct error *err)
{
        unsigned flags = kernel_flags(p);
        int code, r;
        long fd;

        fd = seccomp_call(SECCOMP_SET_MODE_FILTER, flags, &p->bpf);
        if (fd >= 0) {
                *ret_listener = p->notify ? (int)fd : -1;
                return 0;
        }
        code = errno;
        r = find_unknown_flag(flags, err);
        if (r == 0)
                r = find_unknown_action(p, err);
        return r < 0 ? r : error_errno(err, code, "seccomp");
}
