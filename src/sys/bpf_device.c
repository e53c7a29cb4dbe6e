/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program walks the rules from the last to the first with the kinds of access that are not yet
 * decided in R3. An allowing rule takes its kinds out of R3 and is done when none is left; a
 * denying rule is done when it meets one that is left. So each kind is decided by the last rule
 * that names it, whatever the other kinds of the same request are.
 *
 *   R2 type, R3 access, R4 major, R5 minor; R0 the answer
 */
#include "sys/bpf_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

enum {
        MAX_RULE_INSNS = 9,
        EDGE_INSNS = 8,
        MAX_PROGRAMS = 64, /* BPF_CGROUP_MAX_PROGS */
};

struct program {
        struct bpf_insn *v;
        size_t n;
};

static void emit(struct program *p, unsigned code, unsigned dst, unsigned src, int off, int32_t imm)
{
        p->v[p->n++] = (struct bpf_insn){
                .code = (__u8)code, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = (__s16)off, .imm = imm
        };
}

static void emit_exit(struct program *p, bool allow)
{
        emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
        emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_load_context(struct program *p)
{
        const unsigned load = BPF_LDX | BPF_MEM | BPF_W;

        emit(p, load, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
        emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
        emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
        emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
        emit(p, load, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
        emit(p, load, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static bool matches_everything(const struct bpf_device_rule *r)
{
        return r->type == 'a' && r->major == BPF_DEVICE_ANY && r->minor == BPF_DEVICE_ANY &&
               r->access == BPF_DEVICE_ALL_ACCESS;
}

/* What happens when the device is one of the rule's. */
static void emit_verdict(struct program *p, const struct bpf_device_rule *r)
{
        if (r->access == BPF_DEVICE_ALL_ACCESS) {
                emit_exit(p, r->allow);
        } else if (r->allow) {
                emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, (int32_t)~r->access);
                emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_3, 0, 2, 0);
                emit_exit(p, true);
        } else {
                emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_3, 0, 0);
                emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, (int32_t)r->access);
                emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0);
                emit_exit(p, false);
        }
}

static void emit_rule(struct program *p, const struct bpf_device_rule *r)
{
        const unsigned differs = BPF_JMP | BPF_JNE | BPF_K;
        size_t jumps[3], n = 0;

        if (r->type != 'a') {
                jumps[n++] = p->n;
                emit(p, differs, BPF_REG_2, 0, 0, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        }
        if (r->major != BPF_DEVICE_ANY) {
                jumps[n++] = p->n;
                emit(p, differs, BPF_REG_4, 0, 0, (int32_t)r->major);
        }
        if (r->minor != BPF_DEVICE_ANY) {
                jumps[n++] = p->n;
                emit(p, differs, BPF_REG_5, 0, 0, (int32_t)r->minor);
        }
        emit_verdict(p, r);
        for (size_t i = 0; i < n; i++)
                p->v[jumps[i]].off = (__s16)(p->n - jumps[i] - 1);
}

static bool is_device_number(int64_t v)
{
        return v == BPF_DEVICE_ANY || (v >= 0 && v <= INT32_MAX);
}

int bpf_device_build(const struct bpf_device_rule *rules, size_t n, bool default_allow, struct bpf_insn **ret,
                     size_t *ret_n)
{
        struct program p = { .v = calloc(n * MAX_RULE_INSNS + EDGE_INSNS, sizeof(struct bpf_insn)) };

        if (!p.v)
                return -ENOMEM;
        emit_load_context(&p);
        /* What stands before a rule for everything is never asked, and the verifier refuses code that cannot run. */
        while (n > 0 && !matches_everything(&rules[n - 1])) {
                n--;
                if (!is_device_number(rules[n].major) || !is_device_number(rules[n].minor)) {
                        free(p.v);
                        return -ERANGE;
                }
                if (rules[n].access)
                        emit_rule(&p, &rules[n]);
        }
        emit_exit(&p, n > 0 ? rules[n - 1].allow : default_allow);
        *ret = p.v;
        *ret_n = p.n;
        return 0;
}

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
        long r = syscall(SYS_bpf, cmd, attr, sizeof *attr);

        return r < 0 ? -errno : (int)r;
}

static int load(const struct bpf_insn *program, size_t n)
{
        union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE };
        static const char license[] = "Apache-2.0";

        attr.insns = (uintptr_t)program;
        attr.insn_cnt = (uint32_t)n;
        attr.license = (uintptr_t)license;
        strcpy(attr.prog_name, "devices");
        return bpf(BPF_PROG_LOAD, &attr);
}

/* Before Linux 5.11 programs count as locked memory, and the usual limit of that is small: lift it for the call. */
static int load_unlimited(const struct bpf_insn *program, size_t n)
{
        const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
        struct rlimit old;
        int fd = load(program, n);

        if (fd != -EPERM || getrlimit(RLIMIT_MEMLOCK, &old) < 0 || setrlimit(RLIMIT_MEMLOCK, &all) < 0)
                return fd;
        fd = load(program, n);
        setrlimit(RLIMIT_MEMLOCK, &old);
        return fd;
}

/* The programs that are attached to this very cgroup. */
static int query(int cgroup_fd, uint32_t ids[MAX_PROGRAMS])
{
        union bpf_attr attr = { .query.attach_type = BPF_CGROUP_DEVICE };
        int r;

        attr.query.target_fd = (uint32_t)cgroup_fd;
        attr.query.prog_ids = (uintptr_t)ids;
        attr.query.prog_cnt = MAX_PROGRAMS;
        r = bpf(BPF_PROG_QUERY, &attr);
        return r < 0 ? r : (int)attr.query.prog_cnt;
}

static int open_program(uint32_t id)
{
        union bpf_attr attr = { .prog_id = id };

        return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int attach(int cgroup_fd, int program_fd, int replaced_fd)
{
        union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI };

        attr.target_fd = (uint32_t)cgroup_fd;
        attr.attach_bpf_fd = (uint32_t)program_fd;
        if (replaced_fd >= 0) {
                attr.attach_flags |= BPF_F_REPLACE;
                attr.replace_bpf_fd = (uint32_t)replaced_fd;
        }
        return bpf(BPF_PROG_ATTACH, &attr);
}

/* One that a security module hides from us is left: filters only ever take away. */
static int detach(int cgroup_fd, uint32_t id)
{
        own_fd int fd = open_program(id);
        union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE };
        int r;

        if (fd < 0)
                return fd == -ENOENT || fd == -EPERM || fd == -EACCES ? 0 : fd;
        attr.target_fd = (uint32_t)cgroup_fd;
        attr.attach_bpf_fd = (uint32_t)fd;
        r = bpf(BPF_PROG_DETACH, &attr);
        return r == -ENOENT ? 0 : r;
}

static int replace_only(int cgroup_fd, int program_fd, uint32_t old)
{
        own_fd int fd = open_program(old);

        return fd < 0 ? fd : attach(cgroup_fd, program_fd, fd);
}

int bpf_device_attach(int cgroup_fd, const struct bpf_insn *program, size_t n, struct error *err)
{
        own_fd int fd = load_unlimited(program, n);
        uint32_t old[MAX_PROGRAMS] = {};
        int n_old, r;

        if (fd < 0)
                return error_errno(err, -fd, "load device filter");
        n_old = query(cgroup_fd, old);
        if (n_old < 0)
                return error_errno(err, -n_old, "list device filters of the cgroup");
        if (n_old == 1 && replace_only(cgroup_fd, fd, old[0]) == 0)
                return 0;
        r = attach(cgroup_fd, fd, -1);
        if (r < 0)
                return error_errno(err, -r, "attach device filter to the cgroup");
        for (int i = 0; i < n_old; i++) {
                r = detach(cgroup_fd, old[i]);
                if (r < 0)
                        return error_errno(err, -r, "detach an old device filter from the cgroup");
        }
        return 0;
}
