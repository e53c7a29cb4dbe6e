/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/shim_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance.h"
#include "instance/shim_client.h"
#include "sys/mount_tree.h"
#include "sys/sibling_program.h"

/* What the child needs, made before it. */
struct birth {
        char path[PATH_MAX];
        const char *argv[6];
        int fds[3]; /* SHIM_CONNECTION and on */
};

/*
 * The shim runs from a clone of its file's mount that nobody can write to (programs/sealed_start.c): made here, it need
 * not execute itself twice.
 */
static void execute(const struct birth *b)
{
        int clone = mount_clone(AT_FDCWD, b->path, false);

        if (clone >= 0 && mount_set_attr(clone, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0) == 0)
                syscall(SYS_execveat, clone, "", b->argv, environ, AT_EMPTY_PATH);
        execve(b->path, (char *const *)b->argv, environ);
}

/* Only system calls, and nothing that outlives them: the memory is the parent's. Signals are the shim's own affair. */
static void become(const struct birth *b)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), high[ARRAY_SIZE(b->fds)];

        setsid();
        for (int fd = 0; fd < 3; fd++) {
                if (dup2(null, fd) < 0)
                        return;
        }
        /* First out of the way: one may stand where another shall be. */
        for (size_t i = 0; i < ARRAY_SIZE(b->fds); i++) {
                high[i] = fcntl(b->fds[i], F_DUPFD_CLOEXEC, SHIM_DIRECTORY + 1);
                if (high[i] < 0)
                        return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(b->fds); i++) {
                if (dup2(high[i], SHIM_CONNECTION + (int)i) < 0)
                        return;
        }
        execute(b);
}

/* The parent waits until the child has executed: that is quicker than to copy its memory. */
static pid_t give_birth(const struct birth *b, int *ret_error)
{
        volatile int failed = 0;
        pid_t pid = vfork();

        if (pid == 0) {
                become(b);
                failed = errno;
                _exit(127);
        }
        *ret_error = pid < 0 ? errno : failed;
        return pid;
}

int shim_spawn(struct engine *e, struct instance *i, struct error *err)
{
        struct birth b = { .argv = { "holt-shim", "run", e->root, e->run, i->id, NULL } };
        own_fd int ours = -1, theirs = -1;
        int pair[2], failed, r = sibling_program_find("holt-shim", b.path, err);

        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "make a socket");
        ours = pair[0];
        theirs = pair[1];
        b.fds[0] = theirs;
        b.fds[1] = i->lock;
        b.fds[2] = i->fd;
        give_birth(&b, &failed);
        return failed ? error_errno(err, failed, "start %s", b.path) : take_fd(&ours);
}
