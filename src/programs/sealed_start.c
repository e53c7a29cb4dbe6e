/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection of the runtime's own file (runc CVE-2019-5736).
 *
 * A process of a container can come to hold our executable: by executing /proc/self/exe
 * in its image (also as a script's or an ELF file's interpreter), or by opening
 * /proc/PID/exe while we stand in its pid namespace. Root in a container without user namespace
 * could then write to it on the host. So a program that is about to enter a container
 * runs from a clone of its mount that is attached nowhere and read-only: the descriptor that
 * anybody gets hold of carries that mount, and opening it for writing fails with EROFS.
 * Without the right to clone a mount (an ordinary user) it runs from a sealed copy in memory.
 *
 * Executing again is the price: the C library's own start is what costs most of it, 0.3 ms where
 * cpuid traps. So this runs before the C library, as the entry point of the ELF file, and
 * only raw system calls are used here; no thread-local storage, no errno, no stack protector.
 */
#include "programs/sealed_start.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BARE __attribute__((no_sanitize_address, no_sanitize_undefined, optimize("no-stack-protector")))
#ifdef __clang__
#undef BARE
#define BARE __attribute__((no_sanitize("address", "undefined"), no_stack_protector))
#endif

static const char own_file[] = "/proc/self/exe";

#ifdef __x86_64__
static inline long call(long nr, long a, long b, long c, long d, long e)
{
        register long r10 __asm__("r10") = d;
        register long r8 __asm__("r8") = e;
        long ret;

        __asm__ volatile("syscall"
                         : "=a"(ret)
                         : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                         : "rcx", "r11", "memory");
        return ret;
}
#else
static inline long call(long nr, long a, long b, long c, long d, long e)
{
        long ret = syscall(nr, a, b, c, d, e);

        return ret < 0 ? -errno : ret;
}
#endif

BARE static bool is_same(const char *a, const char *b)
{
        for (; *a && *a == *b; a++, b++)
                ;
        return *a == *b;
}

/* A superset of the calls that enter containers: nothing is parsed yet. */
BARE static bool enters_container(char **argv)
{
        for (char **arg = argv; *arg; arg++) {
                if (is_same(*arg, "run") || is_same(*arg, "exec") || is_same(*arg, "create") ||
                    is_same(*arg, "restore"))
                        return true;
        }
        return false;
}

/* The name that we were executed by, from the auxiliary vector behind the environment. */
BARE static const char *execution_name(char **envp)
{
        const unsigned long *aux;

        while (*envp)
                envp++;
        for (aux = (const unsigned long *)(envp + 1); aux[0] != AT_NULL; aux += 2) {
                if (aux[0] == AT_EXECFN)
                        return (const char *)aux[1];
        }
        return "";
}

/*
 * Executed by a descriptor, on a mount that is read-only: that is our clone. Another read-only mount would not do: a
 * descriptor that a container kept becomes writable with it when somebody remounts /usr for an update.
 */
BARE static bool is_on_own_clone(char **envp)
{
        static const char by_descriptor[] = "/dev/fd/";
        const char *name = execution_name(envp);
        struct statfs fs;

        for (size_t i = 0; i < sizeof by_descriptor - 1; i++) {
                if (name[i] != by_descriptor[i])
                        return false;
        }
        return call(SYS_statfs, (long)own_file, (long)&fs, 0, 0, 0) == 0 && fs.f_flags & MS_RDONLY;
}

BARE static bool is_sealed_memory(void)
{
        long fd = call(SYS_openat, AT_FDCWD, (long)own_file, O_RDONLY | O_CLOEXEC, 0, 0), seals;

        if (fd < 0)
                return false;
        seals = call(SYS_fcntl, fd, F_GET_SEALS, 0, 0, 0);
        call(SYS_close, fd, 0, 0, 0, 0);
        return seals > 0 && seals & F_SEAL_WRITE;
}

BARE static void execute(long fd, char **argv, char **envp)
{
        if (fd >= 0)
                call(SYS_execveat, fd, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH);
}

BARE static long clone_own_mount(void)
{
        struct mount_attr attr;
        long fd = call(SYS_open_tree, AT_FDCWD, (long)own_file, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);

        attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
        attr.attr_clr = attr.propagation = attr.userns_fd = 0;
        if (fd >= 0 && call(SYS_mount_setattr, fd, (long)"", AT_EMPTY_PATH, (long)&attr, sizeof attr) < 0)
                return -1;
        return fd;
}

BARE static long copy_to_memory(void)
{
        long from = call(SYS_openat, AT_FDCWD, (long)own_file, O_RDONLY | O_CLOEXEC, 0, 0), n;
        long to = call(SYS_memfd_create, (long)"holt", MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0, 0);

        if (from < 0 || to < 0)
                return -1;
        do
                n = call(SYS_sendfile, to, from, 0, 1L << 30, 0);
        while (n > 0);
        if (n < 0 ||
            call(SYS_fcntl, to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 0, 0) < 0)
                return -1;
        return to;
}

#ifdef HOLT_SEALED_NAME
/* The clone's file has no name any more, so the one that it had goes on as argv[0]. */
BARE static void keep_name(char **argv, char *path, long size)
{
        static const char in_memory[] = "/memfd:";
        long n = call(SYS_readlinkat, AT_FDCWD, (long)own_file, (long)path, size - 1, 0);
        size_t i = 0;

        if (n <= 0 || !argv[0])
                return;
        path[n] = '\0';
        while (i < sizeof in_memory - 1 && path[i] == in_memory[i])
                i++;
        if (i < sizeof in_memory - 1)
                argv[0] = path;
}
#endif

BARE void sealed_start(char **argv, char **envp)
{
        static const char message[] = "holt: cannot run from a protected copy of itself\n";
#ifdef HOLT_SEALED_NAME
        char path[PATH_MAX];
#endif

        if (!enters_container(argv) || is_on_own_clone(envp))
                return;
#ifdef HOLT_SEALED_NAME
        keep_name(argv, path, sizeof path);
#endif
        execute(clone_own_mount(), argv, envp);
        if (is_sealed_memory())
                return;
        execute(copy_to_memory(), argv, envp);
        call(SYS_write, STDERR_FILENO, (long)message, sizeof message - 1, 0, 0);
        call(SYS_exit_group, 1, 0, 0, 0, 0);
}

#ifdef HOLT_SEALED_ENTRY
/* What the kernel left on the stack (argc, argv, NULL, envp ...) has to reach the C library's _start as it was. */
BARE __attribute__((used)) void sealed_start_from_stack(long *stack);

BARE void sealed_start_from_stack(long *stack)
{
        char **argv = (char **)(stack + 1);

        sealed_start(argv, argv + stack[0] + 1);
}

__asm__(".pushsection .text\n"
        ".globl sealed_entry\n"
        ".type sealed_entry, @function\n"
        "sealed_entry:\n"
        "        xor %ebp, %ebp\n"
        "        mov %rsp, %rbx\n"
        "        mov %rdx, %r12\n"
        "        mov %rsp, %rdi\n"
        "        and $-16, %rsp\n"
        "        call sealed_start_from_stack\n"
        "        mov %rbx, %rsp\n"
        "        mov %r12, %rdx\n"
        "        jmp _start\n"
        ".popsection\n");
#endif
