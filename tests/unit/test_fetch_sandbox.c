/* SPDX-License-Identifier: Apache-2.0 */
/* Each test locks a child in and has it try what it must not, or must, be able to do. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>

#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetch/sandbox.h"

enum { ALLOWED = 0, REFUSED = 1, NO_SANDBOX = 2 };

static char dir[] = "/tmp/holt-sandbox.XXXXXX";

/* The child's exit status, or 128 + its signal. */
static int locked_in(const struct sandbox *s, int (*attempt)(void))
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                struct error err;

                if (sandbox_enter(s, &err) < 0) {
                        fprintf(stderr, "%s\n", err.text);
                        _exit(NO_SANDBOX);
                }
                _exit(attempt() < 0 ? REFUSED : ALLOWED);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static const struct sandbox offline = { .directory = -1 }, online = { .network = true, .directory = -1 };

static int read_etc(void)
{
        return open("/etc/passwd", O_RDONLY);
}

static int read_shadow(void)
{
        return open("/etc/shadow", O_RDONLY);
}

static int read_proc(void)
{
        return open("/proc/1/environ", O_RDONLY);
}

static int list_root(void)
{
        return open("/", O_RDONLY | O_DIRECTORY);
}

static int write_tmp(void)
{
        return open("/tmp/holt-sandbox-escape", O_WRONLY | O_CREAT, 0600);
}

static int write_memory(void)
{
        int fd = memfd_create("x", 0);

        return fd < 0 ? fd : (int)write(fd, "x", 1);
}

static int execute(void)
{
        return execl("/bin/true", "true", NULL);
}

static int unix_socket(void)
{
        return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int internet_socket(void)
{
        return socket(AF_INET, SOCK_STREAM, 0);
}

static int packet_socket(void)
{
        return socket(AF_PACKET, SOCK_RAW, 0);
}

static int fork_process(void)
{
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

        if (pid == 0)
                _exit(0);
        return pid;
}

static int new_namespace(void)
{
        return unshare(CLONE_NEWUSER);
}

static int mount_something(void)
{
        return (int)syscall(SYS_fsopen, "tmpfs", 0);
}

static void *thread_body(void *arg)
{
        return arg;
}

static int start_thread(void)
{
        pthread_t t;
        void *ret = NULL;

        if (pthread_create(&t, NULL, thread_body, dir) != 0 || pthread_join(t, &ret) != 0)
                return -1;
        return ret == dir ? 0 : -1;
}

static int resolve(void)
{
        struct addrinfo *a = NULL;
        int r = getaddrinfo("localhost", "80", NULL, &a);

        if (r == 0)
                freeaddrinfo(a);
        return r == 0 ? 0 : -1;
}

static int became_root_again(void)
{
        return setresuid(0, 0, 0);
}

static int is_root(void)
{
        return geteuid() == 0 ? 0 : -1;
}

static int signal_parent(void)
{
        return kill(getppid(), 0);
}

static void without_network(void **state)
{
        static int (*const refused[])(void) = {
                read_etc,        read_shadow,       read_proc,     list_root,    write_tmp,
                unix_socket,     internet_socket,   packet_socket, fork_process, new_namespace,
                mount_something, became_root_again, signal_parent,
        };

        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
                if (locked_in(&offline, refused[i]) != REFUSED)
                        fail_msg("attempt %zu was not refused", i);
        assert_int_equal(locked_in(&offline, write_memory), ALLOWED);
        assert_int_equal(locked_in(&offline, start_thread), ALLOWED);
        assert_int_equal(locked_in(&offline, execute), 128 + SIGSYS);
        assert_int_equal(access("/tmp/holt-sandbox-escape", F_OK), -1);
}

static void with_network(void **state)
{
        static int (*const refused[])(void) = {
                read_shadow,   read_proc,    list_root,     write_tmp,       unix_socket,
                packet_socket, fork_process, new_namespace, mount_something, became_root_again,
        };

        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
                if (locked_in(&online, refused[i]) != REFUSED)
                        fail_msg("attempt %zu was not refused", i);
        assert_int_equal(locked_in(&online, read_etc), ALLOWED);
        assert_int_equal(locked_in(&online, internet_socket), ALLOWED);
        assert_int_equal(locked_in(&online, resolve), ALLOWED);
        assert_int_equal(locked_in(&online, execute), 128 + SIGSYS);
}

static int dir_fd;

static int write_below(void)
{
        int fd = openat(dir_fd, "new", O_WRONLY | O_CREAT | O_TRUNC, 0600);

        return fd < 0 ? fd : renameat(dir_fd, "new", dir_fd, "newer");
}

static int read_below(void)
{
        return openat(dir_fd, "file", O_RDONLY);
}

static int read_above(void)
{
        return openat(dir_fd, "../..", O_RDONLY | O_DIRECTORY);
}

static void with_a_directory(void **state)
{
        struct sandbox s = { .directory = -1 };

        assert_non_null(mkdtemp(dir));
        dir_fd = s.directory = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(s.directory >= 0);
        close(openat(dir_fd, "file", O_WRONLY | O_CREAT, 0600));
        assert_int_equal(locked_in(&s, read_below), ALLOWED);
        assert_int_equal(locked_in(&s, read_above), REFUSED);
        assert_int_equal(locked_in(&s, write_below), REFUSED);
        assert_int_equal(locked_in(&s, is_root), geteuid() == 0 ? ALLOWED : REFUSED);
        s.writable = true;
        assert_int_equal(locked_in(&s, write_below), ALLOWED);
        assert_int_equal(locked_in(&s, read_above), REFUSED);
        assert_int_equal(unlinkat(dir_fd, "newer", 0), 0);
        assert_int_equal(unlinkat(dir_fd, "file", 0), 0);
        close(dir_fd);
        assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_network),
                cmocka_unit_test(with_network),
                cmocka_unit_test(with_a_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
