/* SPDX-License-Identifier: Apache-2.0 */
/* A compact filter against the one that libseccomp wrote, both run by an interpreter: each answer is the same. */
#include "check.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/own.h"
#include "bpf_interpreter.h"
#include "container/seccomp_compile.h"
#include "instance/seccomp_default.h"

#define BIT(capability) (1ULL << (capability))

enum { MAX_VALUES = 512, LAST_NR = 600, N_WORDS = sizeof(struct seccomp_data) / 4, N_ARGUMENT_WORDS = 12 };

struct program {
        struct buf code;
        const struct sock_filter *v;
        size_t n;
};

/* The values that a program compares with, and those beside them. */
struct values {
        uint32_t v[MAX_VALUES];
        size_t n;
};

struct comparison {
        struct program plain, compact;
        struct values arguments;
        size_t rounds; /* how often each value of an argument is tried */
        uint64_t random;
        size_t asked, steps_plain, steps_compact;
};

/* libseccomp loses some of its own memory where a rule takes the place of another. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
        return "leak:libseccomp";
}

static uint32_t next_random(struct comparison *c)
{
        c->random = c->random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (uint32_t)(c->random >> 33);
}

static void set_program(struct program *p)
{
        p->v = (const void *)p->code.data;
        p->n = p->code.len / sizeof *p->v;
}

static void add_value(struct values *values, uint32_t v)
{
        for (size_t i = 0; i < values->n; i++)
                if (values->v[i] == v)
                        return;
        if (values->n < MAX_VALUES)
                values->v[values->n++] = v;
}

static void add_near(struct values *values, uint32_t v)
{
        for (uint32_t i = 0; i < 3; i++)
                add_value(values, v - 1 + i);
}

/* Values that may decide something about an argument: only what is compared after an argument was loaded. */
static void find_argument_values(struct comparison *c)
{
        bool is_argument = false;
        uint32_t mask = UINT32_MAX;

        add_near(&c->arguments, 0);
        add_near(&c->arguments, 0x80000000);
        for (size_t i = 0; i < c->plain.n; i++) {
                const struct sock_filter *s = &c->plain.v[i];

                if (s->code == (BPF_LD | BPF_W | BPF_ABS)) {
                        is_argument = s->k >= offsetof(struct seccomp_data, args);
                        mask = UINT32_MAX;
                } else if (s->code == (BPF_ALU | BPF_AND | BPF_K)) {
                        mask = s->k;
                        add_value(&c->arguments, mask);
                        add_value(&c->arguments, ~mask);
                } else if (BPF_CLASS(s->code) == BPF_JMP && is_argument) {
                        add_near(&c->arguments, s->k);
                        add_value(&c->arguments, s->k | ~mask);
                        add_value(&c->arguments, s->k ^ (mask & -mask));
                }
        }
}

static struct bpf_result ask(struct comparison *c, const struct seccomp_data *d)
{
        struct bpf_result plain = bpf_run(c->plain.v, c->plain.n, d);
        struct bpf_result compact = bpf_run(c->compact.v, c->compact.n, d);

        c->asked++;
        c->steps_plain += plain.steps;
        c->steps_compact += compact.steps;
        if (plain.action != compact.action)
                fail_msg("arch %x nr %x args %llx %llx %llx %llx %llx %llx: %x became %x", d->arch, (unsigned)d->nr,
                         d->args[0], d->args[1], d->args[2], d->args[3], d->args[4], d->args[5], plain.action,
                         compact.action);
        plain.words |= compact.words;
        return plain;
}

static uint64_t random_argument(struct comparison *c)
{
        uint32_t low = c->arguments.v[next_random(c) % c->arguments.n];
        uint32_t high = next_random(c) % 2 ? c->arguments.v[next_random(c) % c->arguments.n] : 0;

        return (uint64_t)high << 32 | low;
}

/* Each word that is looked at by itself has each value, the others being random ones of these. */
static void ask_with_arguments(struct comparison *c, struct seccomp_data d, unsigned words)
{
        const unsigned first = offsetof(struct seccomp_data, args) / sizeof(uint32_t);

        for (unsigned w = first; w < N_WORDS; w++) {
                if (!(words & 1U << w))
                        continue;
                for (size_t i = 0; i < c->rounds * c->arguments.n; i++) {
                        for (size_t k = 0; k < ARRAY_SIZE(d.args); k++)
                                d.args[k] = i < c->arguments.n ? 0 : random_argument(c);
                        memcpy((char *)&d + w * sizeof(uint32_t), &c->arguments.v[i % c->arguments.n],
                               sizeof(uint32_t));
                        words |= ask(c, &d).words;
                }
        }
}

static void ask_number(struct comparison *c, uint32_t arch, uint32_t nr)
{
        struct seccomp_data d = { .arch = arch, .nr = (int)nr, .instruction_pointer = 0x12345678 };
        unsigned words = ask(c, &d).words;

        if (words & ~0xfU)
                ask_with_arguments(c, d, words);
}

static int compare_numbers(const void *a, const void *b)
{
        const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

/* All calls there are, of each kind, and all numbers that the program may tell apart. */
static size_t find_numbers(struct comparison *c, uint32_t *numbers)
{
        size_t n = 0, unique = 0;

        for (uint32_t nr = 0; nr <= LAST_NR; nr++) {
                numbers[n++] = nr;
                numbers[n++] = nr | 0x40000000;
                numbers[n++] = nr | 0x80000000;
        }
        for (size_t i = 0; i < c->plain.n; i++)
                for (uint32_t k = 0; k < 3; k++)
                        numbers[n++] = c->plain.v[i].k - 1 + k;
        for (int i = 0; i < 200; i++)
                numbers[n++] = next_random(c) << 1;
        numbers[n++] = UINT32_MAX;
        qsort(numbers, n, sizeof *numbers, compare_numbers);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || numbers[i] != numbers[unique - 1])
                        numbers[unique++] = numbers[i];
        return unique;
}

static void compare(struct comparison *c)
{
        static const uint32_t architectures[] = {
                AUDIT_ARCH_X86_64,
                AUDIT_ARCH_I386,
                AUDIT_ARCH_AARCH64,
                AUDIT_ARCH_ARM,
                AUDIT_ARCH_S390X,
                AUDIT_ARCH_S390,
                AUDIT_ARCH_MIPSEL64,
                AUDIT_ARCH_MIPSEL,
                AUDIT_ARCH_MIPSEL64N32,
                AUDIT_ARCH_RISCV64,
                0,
                UINT32_MAX,
                12345,
        };

        uint32_t numbers[3 * (LAST_NR + 1) + 3 * BPF_MAXINSNS + 201];
        size_t n = find_numbers(c, numbers);

        find_argument_values(c);
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
                for (size_t k = 0; k < n; k++)
                        ask_number(c, architectures[i], numbers[k]);
}

static void comparison_finish(struct comparison *c)
{
        buf_finish(&c->plain.code);
        buf_finish(&c->compact.code);
}

/* The kernel takes the program: of what happens to the child then, all is right but a refusal. */
static void assert_loads(const struct program *p)
{
        struct sock_fprog f = { .len = (unsigned short)p->n, .filter = (struct sock_filter *)p->v };
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                signal(SIGILL, SIG_DFL);
                signal(SIGSYS, SIG_DFL);
                syscall(SYS_exit_group, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f) < 0);
                __builtin_trap();
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* false: libseccomp takes no such profile. */
static bool compare_profile(const struct spec_seccomp *profile, size_t rounds, uint64_t seed, struct comparison *c)
{
        struct error err = {};

        *c = (struct comparison){ .rounds = rounds, .random = seed };
        if (seccomp_compile(profile, &c->plain.code, &err) < 0) {
                comparison_finish(c);
                return false;
        }
        buf_add(&c->compact.code, c->plain.code.data, c->plain.code.len);
        seccomp_compact(&c->compact.code);
        set_program(&c->plain);
        set_program(&c->compact);
        assert_true(c->compact.n <= c->plain.n);
        compare(c);
        assert_loads(&c->compact);
        return true;
}

static void parse_default(uint64_t capabilities, struct spec *ret)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        struct error err = {};

        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", OCI_SPEC_VERSION);
        json_begin_object(&w, "root");
        json_write_string(&w, "path", "r");
        json_end_object(&w);
        json_begin_object(&w, "linux");
        json_begin_object(&w, "seccomp");
        seccomp_default_write(capabilities, &w);
        json_end_object(&w);
        json_end_object(&w);
        json_end_object(&w);
        if (spec_parse(text.data, text.len, ret, &err) < 0)
                fail_msg("%s", err.text);
}

static void test_default_profile(void **state)
{
        static const uint64_t capabilities[] = {
                0,
                0xa80425fb,
                UINT64_MAX,
                BIT(CAP_SYS_ADMIN),
                BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_TIME),
                BIT(CAP_SYSLOG) | BIT(CAP_BPF),
        };

        for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
                struct spec s = {};
                struct comparison c;

                parse_default(capabilities[i], &s);
                assert_true(compare_profile(s.linux_.seccomp, 8, i, &c));
                print_message("# capabilities %llx: %zu instructions became %zu, %zu answers, %.1f steps became %.1f\n",
                              (unsigned long long)capabilities[i], c.plain.n, c.compact.n, c.asked,
                              (double)c.steps_plain / (double)c.asked, (double)c.steps_compact / (double)c.asked);
                assert_true(c.compact.n * 2 < c.plain.n);
                comparison_finish(&c);
                spec_finish(&s);
        }
}

/* A profile in which the same calls come again and again, with conditions of all kinds. */
struct random_profile {
        struct spec_seccomp profile;
        struct spec_seccomp_rule rules[10];
        struct spec_seccomp_arg args[10][3];
        const char *names[10][40], *architectures[8];
};

static uint64_t random_value(struct comparison *random)
{
        static const uint64_t values[] = { 0,          1,          2,          40,          0x20000,
                                           0x7e020000, UINT32_MAX, 1ULL << 32, 0x500000002, UINT64_MAX };

        return values[next_random(random) % ARRAY_SIZE(values)];
}

static void add_random_names(struct comparison *random, struct spec_seccomp_rule *rule, const char **names)
{
        static const char *const calls[] = {
                "read",       "write",    "socket",       "clone",        "clone3",       "personality", "ioctl",
                "getppid",    "mount",    "openat2",      "semop",        "ipc",          "recv",        "waitpid",
                "stat64",     "fcntl64",  "futex_time64", "kill",         "arch_prctl",   "accept4",     "shmat",
                "execve",     "execveat", "preadv",       "rt_sigaction", "no_such_call", "_llseek",     "mmap2",
                "socketcall", "time",     "ptrace",       "statx",
        };

        rule->names.v = names;
        rule->names.n = 1 + next_random(random) % (next_random(random) % 2 ? 3 : 24);
        for (size_t i = 0; i < rule->names.n; i++)
                names[i] = calls[next_random(random) % ARRAY_SIZE(calls)];
}

static uint32_t random_action(struct comparison *random)
{
        static const uint32_t actions[] = {
                SECCOMP_RET_ALLOW,        SECCOMP_RET_ERRNO,       SECCOMP_RET_LOG,  SECCOMP_RET_TRACE,
                SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_USER_NOTIF,
        };

        return actions[next_random(random) % ARRAY_SIZE(actions)];
}

static void add_random_rule(struct comparison *random, struct random_profile *p, size_t i)
{
        struct spec_seccomp_rule *rule = &p->rules[i];

        rule->action = random_action(random);
        if (next_random(random) % 2)
                rule->errno_ret = (struct opt_u64){ true, next_random(random) % 200 };
        rule->args = p->args[i];
        rule->n_args = next_random(random) % 4;
        for (size_t k = 0; k < rule->n_args; k++)
                p->args[i][k] = (struct spec_seccomp_arg){
                        .index = next_random(random) % 6,
                        .op = (int)(1 + next_random(random) % 7),
                        .value = random_value(random),
                        .value_two = random_value(random),
                };
        add_random_names(random, rule, p->names[i]);
}

static void random_profile_init(struct comparison *random, struct random_profile *p)
{
        static const char *const architectures[] = {
                "SCMP_ARCH_X86_64",  "SCMP_ARCH_X86", "SCMP_ARCH_X32",
                "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_RISCV64",
        };

        *p = (struct random_profile){ .profile = { .rules = p->rules } };
        do
                p->profile.default_action = random_action(random);
        while (p->profile.default_action == SECCOMP_RET_USER_NOTIF);
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
                if (next_random(random) % 2)
                        p->architectures[p->profile.architectures.n++] = architectures[i];
        p->profile.architectures.v = p->architectures;
        p->profile.n_rules = 1 + next_random(random) % ARRAY_SIZE(p->rules);
        for (size_t i = 0; i < p->profile.n_rules; i++)
                add_random_rule(random, p, i);
}

static void test_random_profiles(void **state)
{
        struct comparison random = { .random = 5 };
        size_t taken = 0, changed = 0, asked = 0, plain = 0, compact = 0;

        for (uint64_t i = 0; i < 800 && taken < 200; i++) {
                struct random_profile p;
                struct comparison c;

                random_profile_init(&random, &p);
                if (!compare_profile(&p.profile, 2, i, &c))
                        continue;
                taken++;
                changed += c.compact.n < c.plain.n;
                asked += c.asked;
                plain += c.plain.n;
                compact += c.compact.n;
                comparison_finish(&c);
        }
        print_message("# %zu profiles, %zu changed, %zu instructions became %zu, %zu answers\n", taken, changed, plain,
                      compact, asked);
        assert_true(changed >= 80);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default_profile),
                cmocka_unit_test(test_random_profiles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
