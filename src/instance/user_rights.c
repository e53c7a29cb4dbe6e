/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/user_rights.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/user_namespace.h"

/* Whoever listens has the connection as long as he lives: the number was nobody else's if it is still there. */
static int open_peer(int connection)
{
        struct pollfd p = { .fd = connection, .events = POLLIN };
        struct ucred peer;
        socklen_t len = sizeof peer;
        own_fd int pidfd = -1;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
                return -errno;
        pidfd = peer.pid > 0 ? process_open(peer.pid) : -ESRCH;
        if (pidfd < 0)
                return pidfd;
        return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR)) ? take_fd(&pidfd) : -ESRCH;
}

/* A pidfd; -ESRCH: it has none. */
static int open_shim(const char *run, const char *id)
{
        own_mem char *path = NULL;
        own_fd int connection = -1;

        if (asprintf(&path, "%s/instances/%s/socket", run, id) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        connection = fd_connect_unix(path);
        return connection < 0 ? -ESRCH : open_peer(connection);
}

/* 0; -ESRCH: it has no shim. */
static int join(const char *run, const char *id)
{
        own_fd int pidfd = open_shim(run, id);

        if (pidfd < 0)
                return pidfd;
        return setns(pidfd, CLONE_NEWUSER) < 0 ? -errno : 0;
}

int user_rights_join(const char *run, const char *id, struct error *err)
{
        int r = geteuid() == 0 ? 0 : join(run, id);

        if (r == -ESRCH)
                return error_set(err, ESRCH, "it does not run");
        return r < 0 ? error_errno(err, -r, "enter the user namespace of the instance") : 0;
}

/* Until one is answered with 0. */
static int each_shim(const char *run, int (*try)(const char *run, const char *id))
{
        own_mem char *path = NULL;
        own_dir DIR *dir = NULL;
        struct dirent *entry;

        if (asprintf(&path, "%s/instances", run) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                if (*entry->d_name != '.' && try(run, entry->d_name) == 0)
                        return 0;
        }
        return -ESRCH;
}

/* The first that can be had: a shim may be on its way out. */
static int join_any(const char *run)
{
        return each_shim(run, join);
}

static int find(const char *run, const char *id)
{
        own_fd int pidfd = open_shim(run, id);

        return pidfd < 0 ? pidfd : 0;
}

int user_rights_lock_first(const struct engine *e, int *ret_lock, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int lock = -1;

        *ret_lock = -1;
        if ((geteuid() == 0 && !user_namespace_is_nested()) || each_shim(e->run, find) == 0)
                return 0;
        if (asprintf(&path, "%s/first.lock", e->run) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) < 0)
                return error_errno(err, errno, "lock %s", path);
        /* Who had it may have started one meanwhile. */
        if (each_shim(e->run, find) < 0)
                *ret_lock = take_fd(&lock);
        return 0;
}

static int take(const char *run, const char *with, struct error *err)
{
        int r = with ? join(run, with) : -ESRCH;

        if (r < 0)
                r = join_any(run);
        if (r < 0)
                return user_namespace_enter(err);
        return unshare(CLONE_NEWNS) < 0 ? error_errno(err, errno, "make a mount namespace") : 0;
}

int user_rights_take(struct engine *e, const char *with, struct error *err)
{
        int r;

        if (geteuid() == 0)
                return 0;
        r = take(e->run, with, err);
        if (r < 0)
                return error_wrap(err, "run without root's rights");
        e->has_own_mounts = true;
        return 0;
}
