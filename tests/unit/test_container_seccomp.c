/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "container/seccomp.h"
#include "container/seccomp_file.h"
#include "sys/fd.h"

enum { CHILD_GOOD = 0, CHILD_BAD = 1, CHILD_NOT_INSTALLED = 99, ANSWER = 77 };

#define NAMES(...)                                                                   \
        {                                                                            \
                .n = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(const char *), \
                .v = (const char *[]){ __VA_ARGS__, NULL },                          \
        }

/* A profile of the size and kind of Docker's: allows nearly all, refuses the rest with EPERM, looks at some arguments.
 */
struct long_profile {
        struct spec_seccomp profile;
        struct spec_seccomp_rule rules[8];
        struct spec_seccomp_arg args[8];
        const char *names[512];
        char *owned[512];
};

static bool is_refused(const char *name)
{
        static const char *const refused[] = { "acct",    "add_key",     "bpf",    "clone",       "clone3",
                                               "keyctl",  "mount",       "ptrace", "personality", "socket",
                                               "umount2", "userfaultfd", "setns",  "swapon",      "reboot" };

        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                if (strcmp(refused[i], name) == 0)
                        return true;
        return false;
}

static void add_arg_rule(struct long_profile *l, const char **name, unsigned index, int op, uint64_t a, uint64_t b)
{
        size_t n = l->profile.n_rules++;

        l->args[n] = (struct spec_seccomp_arg){ .index = index, .op = op, .value = a, .value_two = b };
        l->rules[n] = (struct spec_seccomp_rule){
                .names = { .n = 1, .v = name }, .action = SECCOMP_RET_ALLOW, .n_args = 1, .args = &l->args[n]
        };
}

static void long_profile_init(struct long_profile *l)
{
        static const char *archs[] = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", NULL };
        static const char *personality[] = { "personality", NULL }, *clone[] = { "clone", NULL },
                          *socket_name[] = { "socket", NULL };
        size_t n = 0;

        memset(l, 0, sizeof *l);
        for (int nr = 0; nr < 440; nr++) {
                char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

                if (!name || is_refused(name)) {
                        free(name);
                        continue;
                }
                l->owned[n] = name;
                l->names[n++] = name;
        }
        l->profile.default_action = SECCOMP_RET_ERRNO;
        l->profile.rules = l->rules;
        l->rules[0] = (struct spec_seccomp_rule){ .names = { .n = n, .v = l->names }, .action = SECCOMP_RET_ALLOW };
        l->profile.n_rules = 1;
        add_arg_rule(l, personality, 0, SCMP_CMP_EQ, 0, 0);
        add_arg_rule(l, personality, 0, SCMP_CMP_EQ, 0x20000, 0);
        add_arg_rule(l, personality, 0, SCMP_CMP_EQ, 0xffffffff, 0);
        add_arg_rule(l, clone, 0, SCMP_CMP_MASKED_EQ, 0x7e020000, 0);
        add_arg_rule(l, socket_name, 0, SCMP_CMP_NE, 40, 0);
#ifdef __x86_64__
        l->profile.architectures = (struct str_list){ .n = 3, .v = archs };
#else
        (void)archs;
#endif
}

static void long_profile_finish(struct long_profile *l)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->owned); i++)
                free(l->owned[i]);
}

/* Runs fn in a child under the profile; returns what waitpid() says. */
static int run_under(const struct spec_seccomp *profile, int (*fn)(void))
{
        struct seccomp_program p;
        struct error err = {};
        int status, listener;
        pid_t pid;

        if (seccomp_prepare(profile, -1, &p, &err) < 0)
                fail_msg("%s", err.text);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (seccomp_install(&p, &listener, &err) < 0) {
                        fprintf(stderr, "# %s\n", err.text);
                        _exit(CHILD_NOT_INSTALLED);
                }
                /* by hand: a sanitizer's _exit() makes calls that the filter refuses */
                syscall(SYS_exit_group, fn());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        seccomp_finish(&p);
        return status;
}

static struct spec_seccomp one_rule(struct spec_seccomp_rule *rule)
{
        return (struct spec_seccomp){ .default_action = SECCOMP_RET_ALLOW, .n_rules = 1, .rules = rule };
}

static int getppid_is(long value, int code)
{
        errno = 0;
        return syscall(SYS_getppid) == value && errno == code ? CHILD_GOOD : CHILD_BAD;
}

static int getppid_fails_77(void)
{
        return getppid_is(-1, ANSWER);
}

static int getppid_fails_eperm(void)
{
        return getppid_is(-1, EPERM);
}

static int getppid_fails_enosys(void)
{
        return getppid_is(-1, ENOSYS);
}

static int getppid_works(void)
{
        return syscall(SYS_getppid) > 0 ? CHILD_GOOD : CHILD_BAD;
}

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
        _exit(info->si_syscall == SYS_getppid ? CHILD_GOOD : CHILD_BAD);
}

static int getppid_traps(void)
{
        struct sigaction sa = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

        sigaction(SIGSYS, &sa, NULL);
        syscall(SYS_getppid);
        return CHILD_BAD;
}

static void test_actions(void **state)
{
        static const struct {
                uint32_t action;
                struct opt_u64 number;
                int (*child)(void);
                int signo; /* that ends the child, 0: none */
        } cases[] = {
                { SECCOMP_RET_ERRNO, { true, ANSWER }, getppid_fails_77, 0 },
                { SECCOMP_RET_ERRNO, {}, getppid_fails_eperm, 0 },
                { SECCOMP_RET_KILL_PROCESS, {}, getppid_works, SIGSYS },
                { SECCOMP_RET_KILL_THREAD, {}, getppid_works, SIGSYS },
                { SECCOMP_RET_TRAP, {}, getppid_traps, 0 },
                { SECCOMP_RET_LOG, {}, getppid_works, 0 },
                { SECCOMP_RET_TRACE, {}, getppid_fails_enosys, 0 }, /* nobody traces */
                { SECCOMP_RET_ALLOW, {}, getppid_works, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct spec_seccomp_rule rule = { .names = NAMES("getppid"),
                                                  .action = cases[i].action,
                                                  .errno_ret = cases[i].number };
                struct spec_seccomp profile = one_rule(&rule);
                int status = run_under(&profile, cases[i].child);

                if (cases[i].signo)
                        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signo);
                else
                        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_GOOD);
        }
}

/* Which of the values does the filter answer? Bit i: values[i]. */
static const uint64_t values[] = { 4, 5, 6, 0x100000005, 0xffffffff00000005, 13 };

static int count_answered(void)
{
        int answered = 0;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                errno = 0;
                /* an invalid combination: without the filter it fails with EINVAL */
                if (syscall(SYS_getpriority, values[i], 0) == -1 && errno == ANSWER)
                        answered |= 1 << i;
        }
        return answered;
}

static int answered_by(struct spec_seccomp_arg *args, size_t n)
{
        struct spec_seccomp_rule rule = { .names = NAMES("getpriority"),
                                          .action = SECCOMP_RET_ERRNO,
                                          .errno_ret = { true, ANSWER },
                                          .n_args = n,
                                          .args = args };
        struct spec_seccomp profile = one_rule(&rule);
        int status = run_under(&profile, count_answered);

        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_comparisons(void **state)
{
        static const struct {
                int op;
                uint64_t a, b;
                int answered;
        } cases[] = {
                { SCMP_CMP_EQ, 5, 0, 1 << 1 },
                { SCMP_CMP_NE, 5, 0, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 },
                { SCMP_CMP_LT, 5, 0, 1 << 0 },
                { SCMP_CMP_LE, 5, 0, 1 << 0 | 1 << 1 },
                { SCMP_CMP_GT, 5, 0, 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 },
                { SCMP_CMP_GE, 0x100000005, 0, 1 << 3 | 1 << 4 },
                { SCMP_CMP_MASKED_EQ, 7, 5, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct spec_seccomp_arg arg = { .op = cases[i].op, .value = cases[i].a, .value_two = cases[i].b };

                assert_int_equal(answered_by(&arg, 1), cases[i].answered);
        }
}

static void test_conditions_together(void **state)
{
        struct spec_seccomp_arg both[] = { { .index = 0, .op = SCMP_CMP_GE, .value = 5 },
                                           { .index = 1, .op = SCMP_CMP_EQ, .value = 0 } };
        struct spec_seccomp_arg neither[] = { { .index = 0, .op = SCMP_CMP_GE, .value = 5 },
                                              { .index = 1, .op = SCMP_CMP_EQ, .value = 1 } };
        /* the same argument twice: as runc has it, one of them is enough */
        struct spec_seccomp_arg either[] = { { .index = 0, .op = SCMP_CMP_EQ, .value = 4 },
                                             { .index = 0, .op = SCMP_CMP_EQ, .value = 6 } };

        assert_int_equal(answered_by(both, 2), 0x3e);
        assert_int_equal(answered_by(neither, 2), 0);
        assert_int_equal(answered_by(either, 2), 1 << 0 | 1 << 2);
}

static int calls_of_tomorrow(void)
{
        /* 434 (pidfd_open) is the newest that the profile names. */
        if (syscall(435) != -1 || errno != ENOSYS)
                return CHILD_BAD;
        if (syscall(9999) != -1 || errno != ENOSYS)
                return CHILD_BAD;
        /* acct is older, and not named */
        return syscall(SYS_acct, NULL) == -1 && errno == EPERM ? CHILD_GOOD : CHILD_BAD;
}

static void test_enosys_stub(void **state)
{
        struct spec_seccomp_rule rule = { .names = NAMES("pidfd_open", "exit_group", "no_such_call_ever"),
                                          .action = SECCOMP_RET_ALLOW };
        struct spec_seccomp profile = one_rule(&rule);

        profile.default_action = SECCOMP_RET_ERRNO;
        assert_int_equal(run_under(&profile, calls_of_tomorrow), CHILD_GOOD);
        /* what allows by default needs none */
        profile.default_action = SECCOMP_RET_LOG;
        assert_int_equal(run_under(&profile, getppid_works), CHILD_GOOD);
}

static int long_profile_works(void)
{
        if (syscall(SYS_getppid) <= 0 || syscall(SYS_mount, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
                return CHILD_BAD;
        if (syscall(SYS_personality, 0xffffffff) < 0 || syscall(SYS_personality, 0x0400000) != -1 || errno != EPERM)
                return CHILD_BAD;
        if (syscall(SYS_socket, 40, SOCK_STREAM, 0) != -1 || errno != EPERM)
                return CHILD_BAD;
        return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? CHILD_GOOD : CHILD_BAD;
}

static void test_long_profile(void **state)
{
        struct long_profile l;

        long_profile_init(&l);
        assert_int_equal(run_under(&l.profile, long_profile_works), CHILD_GOOD);
        long_profile_finish(&l);
}

static void test_refused(void **state)
{
        struct spec_seccomp_rule rule = { .names = NAMES("sendmsg"), .action = SECCOMP_RET_USER_NOTIF };
        struct spec_seccomp profile = one_rule(&rule);
        struct seccomp_program p = {};
        struct error err = {};

        assert_int_equal(seccomp_prepare(&profile, -1, &p, &err), -EINVAL);
        assert_non_null(strstr(err.text, "sendmsg"));
        assert_null(p.memory);
        profile.architectures = (struct str_list)NAMES("SCMP_ARCH_PDP11");
        assert_int_equal(seccomp_prepare(&profile, -1, &p, &err), -EINVAL);
        assert_non_null(strstr(err.text, "SCMP_ARCH_PDP11"));
}

/* The child of the notify test: hands its listener over by itself, as init does. */
static int ask_listener(const struct seccomp_program *p, int sock)
{
        struct error err;
        int listener;

        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (seccomp_install(p, &listener, &err) < 0 || listener < 0)
                return CHILD_NOT_INSTALLED;
        if (seccomp_send_listener(sock, listener, "some \"data\"", getpid(), "{\"id\":\"web\"}", &err) < 0)
                return CHILD_BAD;
        return syscall(SYS_getppid) == 4711 ? CHILD_GOOD : CHILD_BAD;
}

static void answer_one(int listener, pid_t pid)
{
        struct pollfd pfd = { .fd = listener, .events = POLLIN };
        struct seccomp_notif request = {};
        struct seccomp_notif_resp answer = { .val = 4711 };

        assert_int_equal(poll(&pfd, 1, 5000), 1);
        assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request), 0);
        assert_int_equal(request.data.nr, SYS_getppid);
        assert_int_equal(request.pid, pid);
        answer.id = request.id;
        assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
}

static void test_notify(void **state)
{
        struct spec_seccomp_rule rule = { .names = NAMES("getppid"), .action = SECCOMP_RET_USER_NOTIF };
        struct spec_seccomp profile = one_rule(&rule);
        struct seccomp_program p;
        struct error err;
        char text[512], expected[256];
        int socks[2], listener = -1, status;
        size_t n_fds = 1;
        ssize_t n;
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
        assert_int_equal(seccomp_prepare(&profile, -1, &p, &err), 0);
        assert_true(p.notify);
        pid = fork();
        if (pid == 0)
                _exit(ask_listener(&p, socks[1]));
        n = fd_receive(socks[0], text, sizeof text - 1, &listener, &n_fds);
        assert_true(n > 0 && n_fds == 1);
        text[n] = '\0';
        snprintf(expected, sizeof expected,
                 "{\"ociVersion\":\"" OCI_SPEC_VERSION
                 "\",\"fds\":[\"seccompFd\"],\"pid\":%d,\"metadata\":\"some \\\"data\\\"\","
                 "\"state\":{\"id\":\"web\"}}",
                 (int)pid);
        assert_string_equal(text, expected);
        answer_one(listener, pid);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, CHILD_GOOD);
        close(listener);
        close(socks[0]);
        close(socks[1]);
        seccomp_finish(&p);
}

struct cache {
        char path[64];
        int fd;
        struct long_profile l;
        struct seccomp_program fresh; /* compiled without the cache */
        char name[256];               /* of the one file in it */
};

static void only_name(struct cache *c)
{
        own_dir DIR *dir = opendir(c->path);
        struct dirent *e;

        c->name[0] = '\0';
        while ((e = readdir(dir))) {
                if (e->d_name[0] == '.')
                        continue;
                assert_string_equal(c->name, "");
                snprintf(c->name, sizeof c->name, "%s", e->d_name);
        }
        assert_string_not_equal(c->name, "");
}

static int cache_setup(void **state)
{
        struct cache *c = calloc(1, sizeof *c);
        struct seccomp_program p;
        struct error err;

        strcpy(c->path, "/tmp/holt-seccomp-XXXXXX");
        assert_non_null(mkdtemp(c->path));
        c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        long_profile_init(&c->l);
        assert_int_equal(seccomp_prepare(&c->l.profile, -1, &c->fresh, &err), 0);
        assert_int_equal(seccomp_prepare(&c->l.profile, c->fd, &p, &err), 0);
        seccomp_finish(&p);
        only_name(c);
        *state = c;
        return 0;
}

static int cache_teardown(void **state)
{
        struct cache *c = *state;

        fd_remove_tree_at(AT_FDCWD, c->path);
        close(c->fd);
        long_profile_finish(&c->l);
        seccomp_finish(&c->fresh);
        free(c);
        return 0;
}

static void assert_same_program(const struct seccomp_program *a, const struct seccomp_program *b)
{
        assert_int_equal(a->bpf.len, b->bpf.len);
        assert_memory_equal(a->bpf.filter, b->bpf.filter, a->bpf.len * sizeof *a->bpf.filter);
}

static ino_t inode(struct cache *c)
{
        struct stat st;

        assert_int_equal(fstatat(c->fd, c->name, &st, 0), 0);
        return st.st_ino;
}

/* Prepares with the cache; true when it was taken from there (a compilation would have replaced the file). */
static bool is_hit(struct cache *c)
{
        ino_t before = inode(c);
        struct seccomp_program p;
        struct error err;

        assert_int_equal(seccomp_prepare(&c->l.profile, c->fd, &p, &err), 0);
        assert_same_program(&p, &c->fresh);
        seccomp_finish(&p);
        return inode(c) == before;
}

static void test_cache_hit(void **state)
{
        assert_true(is_hit(*state));
        assert_true(is_hit(*state));
}

static void test_cache_other_profile(void **state)
{
        struct cache *c = *state;
        struct seccomp_program p;
        struct error err;

        /* the flags are not compiled in; a value of an argument is */
        c->l.profile.flags = SECCOMP_FILTER_FLAG_LOG;
        assert_true(is_hit(c));
        c->l.args[1].value = 1;
        assert_int_equal(seccomp_prepare(&c->l.profile, c->fd, &p, &err), 0);
        assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG);
        assert_int_not_equal(memcmp(p.bpf.filter, c->fresh.bpf.filter, p.bpf.len * sizeof *p.bpf.filter), 0);
        seccomp_finish(&p);
}

static void write_file(struct cache *c, const void *data, size_t len)
{
        assert_int_equal(fd_replace_file_at(c->fd, c->name, data, len, 0600), 0);
}

static void test_cache_damaged(void **state)
{
        struct cache *c = *state;
        own_buf struct buf content = {};
        own_fd int fd = openat(c->fd, c->name, O_RDONLY | O_CLOEXEC);
        static const size_t lengths[] = { 0, 1, 31, 32, 33, 1000, 5000 };

        assert_int_equal(fd_read_all(fd, 1 << 20, &content), 0);
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                write_file(c, content.data, lengths[i]);
                assert_false(is_hit(c));
        }
        write_file(c, content.data, content.len - 1);
        assert_false(is_hit(c));
        /* one bit anywhere; the flags and notify of the header are not used here */
        for (size_t at = 0; at < content.len; at += at < 32 ? 1 : 997) {
                if (at >= 8 && at < 12)
                        continue;
                content.data[at] ^= 0x10;
                write_file(c, content.data, content.len);
                assert_false(is_hit(c));
                content.data[at] ^= 0x10;
        }
        write_file(c, content.data, content.len);
        assert_true(is_hit(c));
}

static void test_cache_foreign(void **state)
{
        struct cache *c = *state;
        struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
        struct seccomp_file f = { .key = "other", .key_len = 5, .program = &allow, .n_instructions = 1 };
        own_buf struct buf content = {};

        assert_int_equal(fchmodat(c->fd, c->name, 0620, 0), 0);
        assert_false(is_hit(c));
        assert_int_equal(fchmodat(c->fd, c->name, 0602, 0), 0);
        assert_false(is_hit(c));
        if (geteuid() == 0) {
                assert_int_equal(fchownat(c->fd, c->name, 12345, 0, 0), 0);
                assert_false(is_hit(c));
        }
        /* a valid file of another key under this name */
        seccomp_file_format(&f, &content);
        write_file(c, content.data, content.len);
        assert_false(is_hit(c));
        /* a link to a good file */
        assert_int_equal(renameat(c->fd, c->name, c->fd, "good"), 0);
        assert_int_equal(symlinkat("good", c->fd, c->name), 0);
        assert_false(is_hit(c));
        assert_true(is_hit(c));
}

static void test_cache_without_directory(void **state)
{
        struct cache *c = *state;
        own_fd int removed = -1;
        struct seccomp_program p;
        struct error err;

        assert_int_equal(mkdirat(c->fd, "gone", 0700), 0);
        removed = openat(c->fd, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(unlinkat(c->fd, "gone", AT_REMOVEDIR), 0);
        assert_int_equal(seccomp_prepare(&c->l.profile, removed, &p, &err), 0);
        assert_same_program(&p, &c->fresh);
        seccomp_finish(&p);
}

static unsigned count_files(struct cache *c)
{
        own_dir DIR *dir = opendir(c->path);
        struct dirent *e;
        unsigned n = 0;

        while ((e = readdir(dir)))
                n += e->d_name[0] != '.';
        return n;
}

static void test_cache_is_bounded(void **state)
{
        struct cache *c = *state;
        struct seccomp_program p;
        struct error err;
        char name[32];

        for (unsigned i = 0; i < 80; i++) {
                struct timespec times[2] = { { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } };

                snprintf(name, sizeof name, "%016x.bpf", i);
                assert_int_equal(fd_replace_file_at(c->fd, name, "x", 1, 0600), 0);
                assert_int_equal(utimensat(c->fd, name, times, 0), 0);
        }
        c->l.args[1].value = 2;
        assert_int_equal(seccomp_prepare(&c->l.profile, c->fd, &p, &err), 0);
        seccomp_finish(&p);
        assert_int_equal(count_files(c), 64);
        assert_int_equal(faccessat(c->fd, c->name, F_OK, 0), 0);
        assert_int_equal(faccessat(c->fd, "0000000000000000.bpf", F_OK, 0), -1);
        assert_int_equal(faccessat(c->fd, "000000000000004f.bpf", F_OK, 0), 0);
}

static void test_save_and_load(void **state)
{
        struct cache *c = *state;
        struct seccomp_program p = c->fresh, loaded = {};
        struct error err;

        p.flags = SECCOMP_FILTER_FLAG_LOG;
        p.notify = true;
        assert_int_equal(seccomp_program_save(&p, c->fd, "seccomp.bpf", &err), 0);
        assert_int_equal(seccomp_program_load(c->fd, "seccomp.bpf", &loaded, &err), 0);
        assert_same_program(&p, &loaded);
        assert_int_equal(loaded.flags, SECCOMP_FILTER_FLAG_LOG);
        assert_true(loaded.notify);
        seccomp_finish(&loaded);
        assert_int_equal(seccomp_program_load(c->fd, "none", &loaded, &err), -ENOENT);
        assert_int_equal(fd_replace_file_at(c->fd, "seccomp.bpf", "junk", 4, 0600), 0);
        assert_int_equal(seccomp_program_load(c->fd, "seccomp.bpf", &loaded, &err), -EBADMSG);
        assert_null(loaded.memory);
}

static double prepare_seconds(struct cache *c, int cache_fd, unsigned times)
{
        struct timespec a, b;
        struct seccomp_program p;
        struct error err;

        clock_gettime(CLOCK_MONOTONIC, &a);
        for (unsigned i = 0; i < times; i++) {
                assert_int_equal(seccomp_prepare(&c->l.profile, cache_fd, &p, &err), 0);
                seccomp_finish(&p);
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        return ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9) / times;
}

static void test_cache_is_faster(void **state)
{
        struct cache *c = *state;
        double compiled = prepare_seconds(c, -1, 5), cached = prepare_seconds(c, c->fd, 200);

        print_message("# %u instructions: compiled in %.3f ms, from the cache in %.3f ms\n", c->fresh.bpf.len,
                      compiled * 1e3, cached * 1e3);
        assert_true(cached * 4 < compiled);
}

/* What is exported is the very file that a cache has. */
static void test_export(void **state)
{
        struct cache *c = *state;
        own_buf struct buf exported = {}, kept = {};
        char name[SECCOMP_NAME_MAX];
        struct error err;
        int fd;

        assert_int_equal(seccomp_export(&c->l.profile, -1, name, &exported, &err), 0);
        assert_string_equal(name, c->name);
        fd = openat(c->fd, name, O_RDONLY | O_CLOEXEC);
        assert_int_equal(fd_read_all(fd, 1 << 20, &kept), 0);
        assert_int_equal(exported.len, kept.len);
        assert_memory_equal(exported.data, kept.data, kept.len);
        close(fd);
}

#define CACHE_TEST(f) cmocka_unit_test_setup_teardown(f, cache_setup, cache_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_actions),
                cmocka_unit_test(test_comparisons),
                cmocka_unit_test(test_conditions_together),
                cmocka_unit_test(test_enosys_stub),
                cmocka_unit_test(test_long_profile),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_notify),
                CACHE_TEST(test_cache_hit),
                CACHE_TEST(test_cache_other_profile),
                CACHE_TEST(test_cache_damaged),
                CACHE_TEST(test_cache_foreign),
                CACHE_TEST(test_cache_without_directory),
                CACHE_TEST(test_cache_is_bounded),
                CACHE_TEST(test_save_and_load),
                CACHE_TEST(test_export),
                CACHE_TEST(test_cache_is_faster),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
