/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-init -- PROGRAM [ARGUMENT...]: the first process of a container with --init. It starts the program, passes
 * signals on to it, takes the dead children of others off the process table, and ends as the program does.
 *
 * The first process of a pid namespace ignores each signal it has no handler for, and inherits all orphans; few
 * programs are written for that.
 *
 * It lies in memory as long as the container runs, and runs in images of any kind: so it is a file of a few KB, without
 * a C library where we know the machine's calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, SIGNALED = 128 };

#if defined(HOLT_INIT_BARE) && defined(__x86_64__)
static long call(long nr, long a, long b, long c, long d)
{
        register long r10 __asm__("r10") = d;
        register long r8 __asm__("r8") = 0;
        long ret;

        __asm__ volatile("syscall"
                         : "=a"(ret)
                         : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                         : "rcx", "r11", "memory");
        return ret;
}

__asm__(".globl _start\n"
        "_start:\n"
        "        xor %ebp, %ebp\n"
        "        mov %rsp, %rdi\n"
        "        and $-16, %rsp\n"
        "        call begin\n");
#elif defined(HOLT_INIT_BARE) && defined(__aarch64__)
static long call(long nr, long a, long b, long c, long d)
{
        register long x8 __asm__("x8") = nr;
        register long x0 __asm__("x0") = a;
        register long x1 __asm__("x1") = b;
        register long x2 __asm__("x2") = c;
        register long x3 __asm__("x3") = d;
        register long x4 __asm__("x4") = 0;

        __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
        return x0;
}

__asm__(".globl _start\n"
        "_start:\n"
        "        mov x29, #0\n"
        "        mov x30, #0\n"
        "        mov x0, sp\n"
        "        bl begin\n");
#else
static long call(long nr, long a, long b, long c, long d)
{
        long ret = syscall(nr, a, b, c, d, 0);

        return ret < 0 ? -errno : ret;
}
#endif

/* As the kernel has it: a bit for each signal. */
typedef uint64_t signals;

#define SIGNAL(n) (1ULL << ((n)-1))

/* What our own mistakes would raise is not for others. */
static const signals passed_on =
        ~(SIGNAL(SIGFPE) | SIGNAL(SIGILL) | SIGNAL(SIGSEGV) | SIGNAL(SIGBUS) | SIGNAL(SIGABRT) | SIGNAL(SIGTRAP) |
          SIGNAL(SIGSYS) | SIGNAL(SIGKILL) | SIGNAL(SIGSTOP));

static _Noreturn void end(int status)
{
        for (;;)
                call(SYS_exit_group, status, 0, 0, 0);
}

static size_t length(const char *s)
{
        size_t n = 0;

        while (s[n])
                n++;
        return n;
}

static void print(const char *text)
{
        call(SYS_write, STDERR_FILENO, (long)text, (long)length(text), 0);
}

/* What stands behind "PATH=". */
static const char *find_path(char *const *env)
{
        static const char name[] = "PATH=";

        for (; *env; env++) {
                size_t n = 0;

                while (name[n] && (*env)[n] == name[n])
                        n++;
                if (!name[n])
                        return *env + n;
        }
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* "DIRECTORY/NAME" of the first directory of the list; what follows it, or NULL. */
static const char *join(const char *list, const char *name, char *path, size_t size)
{
        size_t n = 0;

        for (; *list && *list != ':'; list++) {
                if (n + 2 < size)
                        path[n++] = *list;
        }
        if (n)
                path[n++] = '/';
        for (; *name && n + 1 < size; name++)
                path[n++] = *name;
        path[n] = '\0';
        return *list ? list + 1 : NULL;
}

static int has_slash(const char *name)
{
        while (*name && *name != '/')
                name++;
        return *name;
}

static _Noreturn void run(char *const *argv, char *const *env)
{
        const char *list = find_path(env);
        char path[PATH_MAX];
        long r = -ENOENT, best = -ENOENT;

        if (has_slash(argv[0]))
                best = call(SYS_execve, (long)argv[0], (long)argv, (long)env, 0);
        while (!has_slash(argv[0]) && list) {
                list = join(list, argv[0], path, sizeof path);
                r = call(SYS_execve, (long)path, (long)argv, (long)env, 0);
                if (r != -ENOENT && r != -ENOTDIR)
                        best = r;
        }
        print("holt-init: ");
        print(argv[0]);
        print(best == -ENOENT ? ": not found\n" : ": cannot be executed\n");
        end(best == -ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

/* A process group of its own, in the terminal's foreground if there is one: what is typed is for the program alone. */
static void take_terminal(void)
{
        int32_t group;

        call(SYS_setpgid, 0, 0, 0, 0);
        group = (int32_t)call(SYS_getpid, 0, 0, 0, 0);
        call(SYS_ioctl, STDIN_FILENO, TIOCSPGRP, (long)&group, 0);
}

/* Takes all that have ended off the table; ends with the program. */
static void reap(long program)
{
        int status = 0;
        long pid;

        while ((pid = call(SYS_wait4, -1, (long)&status, WNOHANG, 0)) > 0) {
                if (pid == program)
                        end(WIFSIGNALED(status) ? SIGNALED + WTERMSIG(status) : WEXITSTATUS(status));
        }
}

static _Noreturn void serve(long program)
{
        for (;;) {
                long signo = call(SYS_rt_sigtimedwait, (long)&passed_on, 0, 0, sizeof passed_on);

                if (signo == SIGCHLD)
                        reap(program);
                else if (signo > 0)
                        call(SYS_kill, program, signo, 0, 0);
        }
}

static _Noreturn void start(int argc, char *const *argv, char *const *env)
{
        static const signals none;
        long pid;

        if (argc > 1 && argv[1][0] == '-' && argv[1][1] == '-' && !argv[1][2]) {
                argc--;
                argv++;
        }
        if (argc < 2) {
                print("holt-init: the first process of a container with --init; see holt-run(1)\n");
                end(NOT_FOUND);
        }
        call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&passed_on, 0, sizeof passed_on);
        pid = call(SYS_clone, SIGCHLD, 0, 0, 0);
        if (pid == 0) {
                take_terminal();
                call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof none);
                run(argv + 1, env);
        }
        if (pid < 0) {
                print("holt-init: no process can be made\n");
                end(NOT_EXECUTABLE);
        }
        serve(pid);
}

#ifdef HOLT_INIT_BARE
/* stack: the number of arguments, the arguments, NULL, the environment, NULL. */
_Noreturn void begin(const long *stack) __attribute__((used));

_Noreturn void begin(const long *stack)
{
        char *const *argv = (char *const *)(stack + 1);

        start((int)*stack, argv, argv + *stack + 1);
}
#else
int main(int argc, char **argv, char **env)
{
        start(argc, argv, env);
}
#endif
