/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-share without a machine:
 *
 *   share_tool mount HOLT-SHARE PLACE SHARE[:ro]... -- COMMAND...   the command finds the shares in PLACE/0, ...
 *   share_tool serve HOLT-SHARE SHARE[:ro]...                       its standard input, a socket, is the stream
 *
 * In a mount namespace that the caller has made.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/share_pump.h"
#include "base/own.h"
#include "share/share.h"
#include "sys/mount_tree.h"

static void fail(const char *what, int error)
{
        fprintf(stderr, "share_tool: %s: %s\n", what, strerror(error));
        _exit(125);
}

/* "PATH[:ro]", at the number at which the server looks for it. */
static void open_share(char *text, int number)
{
        size_t len = strlen(text);
        bool read_only = len > 3 && strcmp(text + len - 3, ":ro") == 0;
        int fd;

        if (read_only)
                text[len - 3] = '\0';
        fd = mount_clone(AT_FDCWD, text, true);
        if (fd < 0 || (read_only && mount_set_attr(fd, true, MOUNT_ATTR_RDONLY, 0, 0) < 0))
                fail(text, errno);
        fd = fcntl(fd, F_DUPFD, 102);
        if (dup2(fd, SHARE_FIRST + number) < 0)
                fail(text, errno);
}

static void become_server(const char *program, int stream, char **shares, int n)
{
        char count[16];

        /* Out of the way of what is put in order. */
        stream = fcntl(stream, F_DUPFD, 100);
        closefrom(101);
        for (int fd = SHARE_STREAM; fd < 100; fd++)
                close(fd);
        for (int i = 0; i < n; i++)
                open_share(shares[i], i);
        dup2(stream, SHARE_STREAM);
        close(stream);
        closefrom(SHARE_FIRST + n);
        snprintf(count, sizeof count, "%d", n);
        execl(program, "holt-share", count, NULL);
        fail(program, errno);
}

static int run(char **command)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                execvp(*command, command);
                fail(*command, errno);
        }
        if (waitpid(pid, &status, 0) < 0)
                return 125;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int mount_and_run(const char *program, const char *place, char **shares, int n, char **command)
{
        struct error err = {};
        int pair[2], status;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                fail("socketpair", errno);
        if (fork() == 0)
                become_server(program, pair[1], shares, n);
        close(pair[1]);
        if (share_pump_mount(pair[0], place, &err) < 0) {
                fprintf(stderr, "share_tool: %s\n", err.text);
                return 125;
        }
        close(pair[0]);
        status = run(command);
        umount2(place, MNT_DETACH);
        while (wait(NULL) > 0)
                continue;
        return status;
}

int main(int argc, char **argv)
{
        int n = 0;

        if (argc > 3 && strcmp(argv[1], "serve") == 0)
                become_server(argv[2], STDIN_FILENO, argv + 3, argc - 3);
        if (argc < 6 || strcmp(argv[1], "mount") != 0)
                return 125;
        while (argv[4 + n] && strcmp(argv[4 + n], "--") != 0)
                n++;
        return argv[4 + n] && argv[5 + n] ? mount_and_run(argv[2], argv[3], argv + 4, n, argv + 5 + n) : 125;
}
