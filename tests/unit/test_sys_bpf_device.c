/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device filter: its program run by a small interpreter here (every instruction it uses), and by the kernel
 * where this host has a cgroup2 hierarchy and we may load programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/own.h"
#include "sys/bpf_device.h"

enum { R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE, M = BPF_DEVCG_ACC_MKNOD, RWM = R | W | M };

/* The answer of the program, or -1 when it does what no program of ours may. */
static int64_t interpret(const struct bpf_insn *v, size_t n, const struct bpf_cgroup_dev_ctx *ctx)
{
        uint64_t reg[11] = {};

        for (size_t pc = 0; pc < n; pc++) {
                const struct bpf_insn *i = &v[pc];
                uint64_t *dst = &reg[i->dst_reg];
                uint32_t word;

                switch (i->code) {
                case BPF_LDX | BPF_MEM | BPF_W:
                        memcpy(&word, (const char *)ctx + i->off, sizeof word);
                        *dst = word;
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_X:
                        *dst = reg[i->src_reg];
                        break;
                case BPF_ALU64 | BPF_MOV | BPF_K:
                        *dst = (uint64_t)(int64_t)i->imm;
                        break;
                case BPF_ALU64 | BPF_AND | BPF_K:
                        *dst &= (uint64_t)(int64_t)i->imm;
                        break;
                case BPF_ALU64 | BPF_RSH | BPF_K:
                        *dst >>= i->imm;
                        break;
                case BPF_JMP | BPF_JNE | BPF_K:
                        if (*dst != (uint64_t)(int64_t)i->imm)
                                pc += (size_t)i->off;
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        if (*dst == (uint64_t)(int64_t)i->imm)
                                pc += (size_t)i->off;
                        break;
                case BPF_JMP | BPF_EXIT:
                        return (int64_t)reg[0];
                default:
                        return -1;
                }
        }
        return -1;
}

/* The specification of the program: for each kind of access the last rule that names it decides. */
static bool expected(const struct bpf_device_rule *rules, size_t n, bool fallback, char type, uint32_t major,
                     uint32_t minor, unsigned access)
{
        for (unsigned kind = 1; kind <= W; kind <<= 1) {
                bool allowed = fallback;

                if (!(access & kind))
                        continue;
                for (size_t i = 0; i < n; i++) {
                        const struct bpf_device_rule *r = &rules[i];

                        if ((r->type == 'a' || r->type == type) && (r->major == -1 || r->major == major) &&
                            (r->minor == -1 || r->minor == minor) && r->access & kind)
                                allowed = r->allow;
                }
                if (!allowed)
                        return false;
        }
        return true;
}

static void check_all(const struct bpf_device_rule *rules, size_t n, bool fallback)
{
        own_mem struct bpf_insn *program = NULL;
        size_t n_insns;

        assert_int_equal(bpf_device_build(rules, n, fallback, &program, &n_insns), 0);
        for (unsigned access = 1; access <= RWM; access++) {
                for (uint32_t number = 0; number < 2 * 4 * 4; number++) {
                        char type = number & 1 ? 'b' : 'c';
                        uint32_t major = number >> 1 & 3, minor = number >> 3;
                        struct bpf_cgroup_dev_ctx ctx = {
                                .access_type = access << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
                                .major = major,
                                .minor = minor,
                        };

                        assert_int_equal(interpret(program, n_insns, &ctx),
                                         expected(rules, n, fallback, type, major, minor, access));
                }
        }
}

static void test_fixed_rules(void **state)
{
        const struct bpf_device_rule rules[] = {
                { false, 'a', -1, -1, RWM }, { true, 'c', 1, 3, RWM }, { true, 'c', 2, -1, R },
                { true, 'c', 2, 0, W },      { false, 'c', -1, 2, M }, { true, 'b', -1, -1, M },
        };

        for (size_t n = 0; n <= sizeof rules / sizeof *rules; n++) {
                check_all(rules, n, false);
                check_all(rules, n, true);
        }
}

static void test_random_rules(void **state)
{
        struct bpf_device_rule rules[12];

        srand(1);
        for (int round = 0; round < 300; round++) {
                size_t n = (size_t)rand() % (sizeof rules / sizeof *rules + 1);

                for (size_t i = 0; i < n; i++)
                        rules[i] = (struct bpf_device_rule){ rand() & 1, "abc"[rand() % 3], rand() % 5 - 1,
                                                             rand() % 5 - 1, (unsigned)rand() % 8 };
                check_all(rules, n, rand() & 1);
        }
}

static void test_impossible_numbers(void **state)
{
        const struct bpf_device_rule big = { true, 'c', 1LL << 31, 0, R }, negative = { true, 'c', 0, -2, R };
        struct bpf_insn *program = NULL;
        size_t n;

        assert_int_equal(bpf_device_build(&big, 1, false, &program, &n), -ERANGE);
        assert_int_equal(bpf_device_build(&negative, 1, false, &program, &n), -ERANGE);
        assert_null(program);
}

/* A child in the cgroup opens the device for reading and writing; its errno. */
static int open_inside(const char *dir, const char *device)
{
        char procs[128];
        int status;
        pid_t pid;

        snprintf(procs, sizeof procs, "%s/cgroup.procs", dir);
        pid = fork();
        if (pid == 0) {
                int fd = open(procs, O_WRONLY);

                if (fd < 0 || write(fd, "0", 1) != 1)
                        _exit(255);
                _exit(open(device, O_RDWR) < 0 ? errno : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 255);
        return WEXITSTATUS(status);
}

static void set_rules(int fd, const struct bpf_device_rule *rules, size_t n)
{
        own_mem struct bpf_insn *program = NULL;
        struct error err = {};
        size_t n_insns;

        assert_int_equal(bpf_device_build(rules, n, false, &program, &n_insns), 0);
        if (bpf_device_attach(fd, program, n_insns, &err) < 0)
                fail_msg("%s", err.text);
}

static void test_kernel(void **state)
{
        const struct bpf_device_rule no_full[] = { { false, 'a', -1, -1, RWM }, { true, 'c', 1, 3, RWM } };
        const struct bpf_device_rule no_null[] = { { true, 'a', -1, -1, RWM }, { false, 'c', 1, 3, W } };
        const char *root =
                access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
        own_fd int fd = -1;
        char dir[96];

        snprintf(dir, sizeof dir, "%s/holt-test-bpf-%d", root, (int)getpid());
        if (geteuid() != 0 || mkdir(dir, 0755) < 0) {
                print_message("# skipped: needs root and a writable cgroup2\n");
                skip();
        }
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(open_inside(dir, "/dev/full"), 0);
        set_rules(fd, no_full, 2);
        assert_int_equal(open_inside(dir, "/dev/full"), EPERM);
        assert_int_equal(open_inside(dir, "/dev/null"), 0);
        /* Replaced, not added: with both in force neither device would open. */
        set_rules(fd, no_null, 2);
        assert_int_equal(open_inside(dir, "/dev/full"), 0);
        assert_int_equal(open_inside(dir, "/dev/null"), EPERM);
        assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fixed_rules),
                cmocka_unit_test(test_random_rules),
                cmocka_unit_test(test_impossible_numbers),
                cmocka_unit_test(test_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
