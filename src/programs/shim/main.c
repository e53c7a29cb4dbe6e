/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holt-shim ROOT RUN ID: started by holt, with a connection to it, the lock on RUN/instances/ID and the instance's
 * directory as descriptors (shim_spawn.h says which).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/shim_spawn.h"
#include "programs/sealed_start.h"
#include "shim/shim.h"

/* By a name relative to its directory: an absolute one may be too long. */
static int listen_at(int dir)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || fchdir(dir) < 0 || (unlink("socket") < 0 && errno != ENOENT) ||
            bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SHIM_MAX_CLIENTS) < 0 ||
            chdir("/") < 0)
                return -1;
        return fd;
}

static int watch_signals(void)
{
        sigset_t set;

        sigfillset(&set);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -1;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGTERM);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool take_descriptors(void)
{
        for (int fd = SHIM_CONNECTION; fd <= SHIM_DIRECTORY; fd++) {
                if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                        return false;
        }
        return fcntl(SHIM_CONNECTION, F_SETFL, O_RDWR | O_NONBLOCK) == 0;
}

int main(int argc, char **argv)
{
        static struct shim s = { .dir = SHIM_DIRECTORY,
                                 .lock = SHIM_LOCK,
                                 .pidfd = -1,
                                 .in = -1,
                                 .out = { -1, -1 },
                                 .slave = -1,
                                 .log = { .fd = -1 },
                                 .probe = { .out = -1 },
                                 .max_clients = SHIM_MAX_CLIENTS };
        static char path[4200]; /* s points to it */

#ifndef HOLT_SEALED_ENTRY
        sealed_start(argv, environ);
#endif
        if (argc != 5 || !take_descriptors()) {
                fprintf(stderr, "holt-shim is started by holt\n");
                return 125;
        }
        umask(077);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        s.root = argv[2];
        s.run = argv[3];
        s.id = argv[4];
        snprintf(path, sizeof path, "%s/instances/%s", s.root, s.id);
        s.path = path;
        s.signals = watch_signals();
        s.listener = listen_at(s.lock);
        return s.signals < 0 || s.listener < 0 ? 125 : shim_serve(&s, SHIM_CONNECTION);
}
