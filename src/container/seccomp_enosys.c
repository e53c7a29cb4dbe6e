/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub before a filter, in the kernel's classic BPF: for each architecture
 *
 *      load arch; if it is not this one, skip the block
 *      load nr;   x86-64: if the x32 bit is not as it should be, skip the block
 *      if nr <= the newest one that the profile names, skip the block
 *      return ENOSYS
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "container/seccomp_compile.h"

enum {
        MAX_ARCHITECTURES = 24, /* more than there are */
        X32_BIT = 0x40000000,   /* of the numbers: x32 shares its audit architecture with x86-64 */
};

struct newest {
        uint32_t token;
        uint32_t nr;
};

/* The newest call of that architecture that the profile names; 0 when it names none. */
static uint32_t find_newest(const struct spec_seccomp *profile, uint32_t token)
{
        int newest = 0;

        for (size_t i = 0; i < profile->n_rules; i++) {
                const struct str_list *names = &profile->rules[i].names;

                for (size_t j = 0; j < names->n; j++) {
                        /* negative: unknown, or not of this architecture */
                        int nr = seccomp_syscall_resolve_name_arch(token, names->v[j]);

                        if (nr > newest)
                                newest = nr;
                }
        }
        return (uint32_t)newest;
}

static size_t add_newest(const struct spec_seccomp *profile, uint32_t token, struct newest *list, size_t n)
{
        uint32_t nr;

        for (size_t i = 0; i < n; i++)
                if (list[i].token == token)
                        return n;
        nr = find_newest(profile, token);
        if (!nr || n == MAX_ARCHITECTURES)
                return n;
        list[n] = (struct newest){ .token = token, .nr = nr };
        return n + 1;
}

static size_t find_all(const struct spec_seccomp *profile, struct newest *list)
{
        size_t n = add_newest(profile, seccomp_arch_native(), list, 0);

        for (size_t i = 0; i < profile->architectures.n; i++) {
                uint64_t token;

                if (name_value_find(oci_seccomp_archs, profile->architectures.v[i], &token))
                        n = add_newest(profile, (uint32_t)token, list, n);
        }
        return n;
}

static void add(struct buf *out, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
        struct sock_filter instruction = BPF_JUMP(code, k, if_true, if_false);

        buf_add(out, &instruction, sizeof instruction);
}

static void add_block(struct buf *out, const struct newest *a)
{
        bool x32 = a->token == SCMP_ARCH_X32, x86_64 = a->token == SCMP_ARCH_X86_64;
        uint32_t audit_arch = x32 ? SCMP_ARCH_X86_64 : a->token;

        add(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
        add(out, BPF_JMP | BPF_JEQ | BPF_K, audit_arch, 0, x32 || x86_64 ? 4 : 3);
        add(out, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
        if (x32 || x86_64)
                add(out, BPF_JMP | BPF_JSET | BPF_K, X32_BIT, x32 ? 0 : 2, x32 ? 2 : 0);
        add(out, BPF_JMP | BPF_JGT | BPF_K, a->nr, 0, 1);
        add(out, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
}

/* An action that lets the call through knows what to do with calls of tomorrow. */
static bool is_permissive(uint32_t action)
{
        return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG || action == SECCOMP_RET_TRACE;
}

void seccomp_add_enosys_stub(const struct spec_seccomp *profile, struct buf *out)
{
        uint32_t answer = seccomp_action_value(profile->default_action, &profile->default_errno_ret);
        struct newest list[MAX_ARCHITECTURES];
        size_t n;

        if (is_permissive(profile->default_action) || answer == (SECCOMP_RET_ERRNO | ENOSYS))
                return;
        n = find_all(profile, list);
        for (size_t i = 0; i < n; i++)
                add_block(out, &list[i]);
}
