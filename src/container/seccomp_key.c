/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "container/seccomp_compile.h"

/* To be raised whenever the same profile compiles to something else. */
enum { COMPILER_VERSION = 2 };

static void add_u32(struct buf *out, uint32_t v)
{
        buf_add(out, &v, sizeof v);
}

static void add_u64(struct buf *out, uint64_t v)
{
        buf_add(out, &v, sizeof v);
}

uint32_t seccomp_action_value(uint32_t action, const struct opt_u64 *number)
{
        if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE)
                return action;
        return action | (uint32_t)(number->set ? number->v & SECCOMP_RET_DATA : EPERM);
}

/* The counts and the NUL bytes make it unambiguous. */
static void add_rule(const struct spec_seccomp_rule *rule, struct buf *out)
{
        add_u32(out, seccomp_action_value(rule->action, &rule->errno_ret));
        add_u32(out, (uint32_t)rule->names.n);
        add_u32(out, (uint32_t)rule->n_args);
        for (size_t i = 0; i < rule->names.n; i++)
                buf_add(out, rule->names.v[i], strlen(rule->names.v[i]) + 1);
        for (size_t i = 0; i < rule->n_args; i++) {
                const struct spec_seccomp_arg *a = &rule->args[i];

                add_u32(out, a->index);
                add_u32(out, (uint32_t)a->op);
                add_u64(out, a->value);
                add_u64(out, a->value_two);
        }
}

void seccomp_key_add(const struct spec_seccomp *profile, struct buf *out)
{
        const struct scmp_version *v = seccomp_version();
        const struct opt_u64 *number = &profile->default_errno_ret;

        add_u32(out, COMPILER_VERSION);
        add_u32(out, v->major << 16 | v->minor << 8 | v->micro);
        add_u32(out, seccomp_arch_native());
        add_u32(out, seccomp_action_value(profile->default_action, number));
        add_u32(out, (uint32_t)profile->architectures.n);
        add_u32(out, (uint32_t)profile->n_rules);
        for (size_t i = 0; i < profile->architectures.n; i++)
                buf_add(out, profile->architectures.v[i], strlen(profile->architectures.v[i]) + 1);
        for (size_t i = 0; i < profile->n_rules; i++)
                add_rule(&profile->rules[i], out);
}
