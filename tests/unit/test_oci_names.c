/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <linux/capability.h>
#include <string.h>

#include "base/own.h"
#include "oci/runtime_spec.h"

struct expected {
        const char *name;
        uint64_t value;
};

/* The table holds exactly these. */
static void assert_table(const struct name_value *table, const struct expected *want, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                uint64_t v = UINT64_MAX;

                if (!name_value_find(table, want[i].name, &v))
                        fail_msg("%s is missing", want[i].name);
                assert_true(v == want[i].value);
        }
        while (table->name && n) {
                table++;
                n--;
        }
        assert_null(table->name);
        assert_int_equal(n, 0);
}

/* capability.h's own order; the numbers are part of the kernel's ABI. */
static void test_capabilities(void **state)
{
        static const char *const names[] = {
                "CAP_CHOWN",
                "CAP_DAC_OVERRIDE",
                "CAP_DAC_READ_SEARCH",
                "CAP_FOWNER",
                "CAP_FSETID",
                "CAP_KILL",
                "CAP_SETGID",
                "CAP_SETUID",
                "CAP_SETPCAP",
                "CAP_LINUX_IMMUTABLE",
                "CAP_NET_BIND_SERVICE",
                "CAP_NET_BROADCAST",
                "CAP_NET_ADMIN",
                "CAP_NET_RAW",
                "CAP_IPC_LOCK",
                "CAP_IPC_OWNER",
                "CAP_SYS_MODULE",
                "CAP_SYS_RAWIO",
                "CAP_SYS_CHROOT",
                "CAP_SYS_PTRACE",
                "CAP_SYS_PACCT",
                "CAP_SYS_ADMIN",
                "CAP_SYS_BOOT",
                "CAP_SYS_NICE",
                "CAP_SYS_RESOURCE",
                "CAP_SYS_TIME",
                "CAP_SYS_TTY_CONFIG",
                "CAP_MKNOD",
                "CAP_LEASE",
                "CAP_AUDIT_WRITE",
                "CAP_AUDIT_CONTROL",
                "CAP_SETFCAP",
                "CAP_MAC_OVERRIDE",
                "CAP_MAC_ADMIN",
                "CAP_SYSLOG",
                "CAP_WAKE_ALARM",
                "CAP_BLOCK_SUSPEND",
                "CAP_AUDIT_READ",
                "CAP_PERFMON",
                "CAP_BPF",
                "CAP_CHECKPOINT_RESTORE",
        };

        assert_int_equal(ARRAY_SIZE(names), CAP_LAST_CAP + 1);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_string_equal(oci_capabilities[i].name, names[i]);
                assert_int_equal(oci_capabilities[i].value, i);
        }
        assert_null(oci_capabilities[ARRAY_SIZE(names)].name);
}

static void test_rlimits(void **state)
{
        static const struct expected want[] = {
                { "RLIMIT_CPU", 0 },       { "RLIMIT_FSIZE", 1 }, { "RLIMIT_DATA", 2 },    { "RLIMIT_STACK", 3 },
                { "RLIMIT_CORE", 4 },      { "RLIMIT_RSS", 5 },   { "RLIMIT_NPROC", 6 },   { "RLIMIT_NOFILE", 7 },
                { "RLIMIT_MEMLOCK", 8 },   { "RLIMIT_AS", 9 },    { "RLIMIT_LOCKS", 10 },  { "RLIMIT_SIGPENDING", 11 },
                { "RLIMIT_MSGQUEUE", 12 }, { "RLIMIT_NICE", 13 }, { "RLIMIT_RTPRIO", 14 }, { "RLIMIT_RTTIME", 15 },
        };

        assert_table(oci_rlimits, want, ARRAY_SIZE(want));
}

static void test_namespaces(void **state)
{
        static const struct expected want[] = {
                { "time", 0x80 },     { "mount", 0x20000 },   { "cgroup", 0x2000000 }, { "uts", 0x4000000 },
                { "ipc", 0x8000000 }, { "user", 0x10000000 }, { "pid", 0x20000000 },   { "network", 0x40000000 },
        };

        assert_table(oci_namespaces, want, ARRAY_SIZE(want));
}

static void test_seccomp_actions(void **state)
{
        static const struct expected want[] = {
                { "SCMP_ACT_KILL", 0 },
                { "SCMP_ACT_KILL_THREAD", 0 },
                { "SCMP_ACT_KILL_PROCESS", 0x80000000 },
                { "SCMP_ACT_TRAP", 0x30000 },
                { "SCMP_ACT_ERRNO", 0x50000 },
                { "SCMP_ACT_NOTIFY", 0x7fc00000 },
                { "SCMP_ACT_TRACE", 0x7ff00000 },
                { "SCMP_ACT_LOG", 0x7ffc0000 },
                { "SCMP_ACT_ALLOW", 0x7fff0000 },
        };

        assert_table(oci_seccomp_actions, want, ARRAY_SIZE(want));
}

static void test_seccomp_operators(void **state)
{
        static const struct expected want[] = {
                { "SCMP_CMP_NE", 1 }, { "SCMP_CMP_LT", 2 }, { "SCMP_CMP_LE", 3 },        { "SCMP_CMP_EQ", 4 },
                { "SCMP_CMP_GE", 5 }, { "SCMP_CMP_GT", 6 }, { "SCMP_CMP_MASKED_EQ", 7 },
        };

        assert_table(oci_seccomp_ops, want, ARRAY_SIZE(want));
}

static void test_seccomp_flags(void **state)
{
        static const struct expected want[] = {
                { "SECCOMP_FILTER_FLAG_TSYNC", 1 },
                { "SECCOMP_FILTER_FLAG_LOG", 2 },
                { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4 },
                { "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32 },
        };

        assert_table(oci_seccomp_flags, want, ARRAY_SIZE(want));
}

/* AUDIT_ARCH_* of audit.h; x32 is libseccomp's own. */
static void test_seccomp_architectures(void **state)
{
        static const struct expected want[] = {
                { "SCMP_ARCH_X86", 0x40000003 },
                { "SCMP_ARCH_X86_64", 0xc000003e },
                { "SCMP_ARCH_X32", 0x4000003e },
                { "SCMP_ARCH_ARM", 0x40000028 },
                { "SCMP_ARCH_AARCH64", 0xc00000b7 },
                { "SCMP_ARCH_MIPS", 0x8 },
                { "SCMP_ARCH_MIPS64", 0x80000008 },
                { "SCMP_ARCH_MIPS64N32", 0xa0000008 },
                { "SCMP_ARCH_MIPSEL", 0x40000008 },
                { "SCMP_ARCH_MIPSEL64", 0xc0000008 },
                { "SCMP_ARCH_MIPSEL64N32", 0xe0000008 },
                { "SCMP_ARCH_PPC", 0x14 },
                { "SCMP_ARCH_PPC64", 0x80000015 },
                { "SCMP_ARCH_PPC64LE", 0xc0000015 },
                { "SCMP_ARCH_S390", 0x16 },
                { "SCMP_ARCH_S390X", 0x80000016 },
                { "SCMP_ARCH_RISCV64", 0xc00000f3 },
                { "SCMP_ARCH_PARISC", 0xf },
                { "SCMP_ARCH_PARISC64", 0x8000000f },
        };

        for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
                uint64_t v = 0;

                if (!name_value_find(oci_seccomp_archs, want[i].name, &v) || v != want[i].value)
                        fail_msg("%s: %#llx", want[i].name, (unsigned long long)v);
        }
}

static void test_find(void **state)
{
        uint64_t v = 4711;

        assert_false(name_value_find(oci_capabilities, "", &v));
        assert_false(name_value_find(oci_capabilities, "CAP_", &v));
        assert_false(name_value_find(oci_capabilities, "CAP_CHOW", &v));
        assert_false(name_value_find(oci_capabilities, "CAP_CHOWNX", &v));
        assert_false(name_value_find(oci_capabilities, "cap_chown", &v));
        assert_false(name_value_find(oci_seccomp_archs, "SCMP_ARCH_VAX", &v));
        assert_int_equal(v, 4711);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_rlimits),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_seccomp_actions),
                cmocka_unit_test(test_seccomp_operators),
                cmocka_unit_test(test_seccomp_flags),
                cmocka_unit_test(test_seccomp_architectures),
                cmocka_unit_test(test_find),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
