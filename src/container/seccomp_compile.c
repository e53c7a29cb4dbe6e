/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp_compile.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum {
        MAX_ARGS = 6,
        /* libseccomp's binary tree pays off for long profiles, and up to 2.5.4 it breaks on empty ones. */
        TREE_FROM = 32,
};

#define own_filter __attribute__((cleanup(filter_finish)))

static void filter_finish(scmp_filter_ctx *ctx)
{
        if (*ctx)
                seccomp_release(*ctx);
}

static const char *action_name(uint32_t action)
{
        for (const struct name_value *n = oci_seccomp_actions; n->name; n++)
                if (n->value == (action & SECCOMP_RET_ACTION_FULL))
                        return n->name;
        return "unknown";
}

static int add_architectures(scmp_filter_ctx ctx, const struct spec_seccomp *profile, struct error *err)
{
        for (size_t i = 0; i < profile->architectures.n; i++) {
                const char *name = profile->architectures.v[i];
                uint64_t token;
                int r;

                if (!name_value_find(oci_seccomp_archs, name, &token))
                        return error_set(err, EINVAL, "seccomp: unknown architecture %s", name);
                r = seccomp_arch_add(ctx, (uint32_t)token);
                if (r < 0 && r != -EEXIST)
                        return error_errno(err, -r, "seccomp: architecture %s", name);
        }
        return 0;
}

/* Whether two conditions look at the same argument; libseccomp does not take them in one rule. */
static bool has_repeated_argument(const struct spec_seccomp_rule *rule)
{
        unsigned seen = 0;

        for (size_t i = 0; i < rule->n_args; i++) {
                if (seen & 1U << rule->args[i].index)
                        return true;
                seen |= 1U << rule->args[i].index;
        }
        return false;
}

static int add_call(scmp_filter_ctx ctx, const struct spec_seccomp_rule *rule, uint32_t action, int nr)
{
        struct scmp_arg_cmp conditions[MAX_ARGS];
        bool apart = has_repeated_argument(rule);
        unsigned n = 0;
        int r = 0;

        for (size_t i = 0; i < rule->n_args; i++) {
                const struct spec_seccomp_arg *a = &rule->args[i];

                conditions[n++] = SCMP_CMP64(a->index, (enum scmp_compare)a->op, a->value, a->value_two);
                /* runc's reading of such a rule, which profiles rely on: any of the conditions is enough. */
                if (apart) {
                        r = seccomp_rule_add_array(ctx, action, nr, n, conditions);
                        n = 0;
                }
                if (r < 0)
                        return r;
        }
        return apart ? 0 : seccomp_rule_add_array(ctx, action, nr, n, conditions);
}

static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp_rule *rule, uint32_t default_action,
                    struct error *err)
{
        uint32_t action = seccomp_action_value(rule->action, &rule->errno_ret);

        for (size_t i = 0; i < rule->names.n; i++) {
                const char *name = rule->names.v[i];
                int nr = seccomp_syscall_resolve_name(name), r;

                /* The listener's descriptor is sent by sendmsg(), which would wait for the listener. */
                if (action == SECCOMP_RET_USER_NOTIF && strcmp(name, "sendmsg") == 0)
                        return error_set(err, EINVAL, "seccomp: SCMP_ACT_NOTIFY is not possible for sendmsg");
                if (action == default_action || nr == __NR_SCMP_ERROR)
                        continue;
                r = add_call(ctx, rule, action, nr);
                if (r < 0)
                        return error_errno(err, -r, "seccomp: rule for %s with action %s", name, action_name(action));
        }
        return 0;
}

static size_t count_names(const struct spec_seccomp *profile)
{
        size_t n = 0;

        for (size_t i = 0; i < profile->n_rules; i++)
                n += profile->rules[i].names.n;
        return n;
}

static int fill_filter(scmp_filter_ctx ctx, const struct spec_seccomp *profile, uint32_t default_action,
                       struct error *err)
{
        int r;

        r = add_architectures(ctx, profile, err);
        if (r < 0)
                return r;
        /* An older library without the tree makes a slower filter, no wrong one. */
        if (count_names(profile) > TREE_FROM)
                (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        for (size_t i = 0; i < profile->n_rules; i++) {
                r = add_rule(ctx, &profile->rules[i], default_action, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int export_filter(scmp_filter_ctx ctx, struct buf *out, struct error *err)
{
        own_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return error_errno(err, errno, "memfd_create");
        r = seccomp_export_bpf(ctx, fd);
        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        if (r == 0)
                r = fd_read_all(fd, BPF_MAXINSNS * sizeof(struct sock_filter), out);
        return r < 0 ? error_errno(err, -r, "seccomp: compile the filter") : 0;
}

int seccomp_compile(const struct spec_seccomp *profile, struct buf *out, struct error *err)
{
        uint32_t action = seccomp_action_value(profile->default_action, &profile->default_errno_ret);
        own_filter scmp_filter_ctx ctx = seccomp_init(action);
        int r;

        if (!ctx)
                return error_set(err, EINVAL, "seccomp: default action %s is not supported", action_name(action));
        r = fill_filter(ctx, profile, action, err);
        if (r < 0)
                return r;
        seccomp_add_enosys_stub(profile, out);
        r = export_filter(ctx, out, err);
        if (r < 0)
                return r;
        if (buf_failed(out))
                return error_set(err, ENOMEM, "out of memory");
        if (out->len > BPF_MAXINSNS * sizeof(struct sock_filter))
                return error_set(err, E2BIG, "seccomp: the filter has more than %d instructions", BPF_MAXINSNS);
        return 0;
}
