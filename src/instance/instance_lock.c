/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { WAIT_TRIES = 5000 };

/* With a number behind it, of the process that makes a directory. */
#define TEMPORARY ".new-"

/* Whoever had it may have taken it away before he gave the lock back: then it is another's, or nobody's, by now. */
static int is_still(int dir, const char *id, int fd)
{
        struct stat ours, there;

        if (fstat(fd, &ours) < 0)
                return -errno;
        if (fstatat(dir, id, &there, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        return ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int instance_lock_existing(int run_instances, const char *id)
{
        for (;;) {
                own_fd int fd = openat(run_instances, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                int r;

                if (fd < 0)
                        return -errno;
                if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                        return errno == EWOULDBLOCK ? -EBUSY : -errno;
                r = is_still(run_instances, id, fd);
                if (r != 0)
                        return r < 0 ? r : take_fd(&fd);
        }
}

/* It gets its name when it is locked: a sweep would take it for a dead one's. */
static int make_locked(int dir, const char *id)
{
        char temp[sizeof TEMPORARY + 20];
        own_fd int fd = -1;
        int r = 0;

        snprintf(temp, sizeof temp, TEMPORARY "%d", (int)getpid());
        if (mkdirat(dir, temp, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(dir, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* A sweep took it for a dead one's: again. */
        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || renameat2(dir, temp, dir, id, RENAME_NOREPLACE) < 0) {
                r = errno == EWOULDBLOCK ? -ENOENT : -errno;
                unlinkat(dir, temp, AT_REMOVEDIR);
        }
        return r < 0 ? r : take_fd(&fd);
}

int instance_lock(const struct engine *e, const char *id, struct error *err)
{
        own_fd int dir = engine_open_run(e, err);
        int r;

        if (dir < 0)
                return dir;
        do {
                r = make_locked(dir, id);
                if (r == -EEXIST)
                        r = instance_lock_existing(dir, id);
        } while (r == -ENOENT);
        if (r == -EBUSY)
                return error_set(err, EBUSY, "another command is at work on it");
        return r < 0 ? error_errno(err, -r, "lock the instance in %s/instances", e->run) : r;
}

/* Whoever had it has mostly left the directory. */
static int lock_again(const struct engine *e, int dir, const char *id, struct error *err)
{
        int r = instance_lock_existing(dir, id);

        return r >= 0 || r == -EBUSY ? r : instance_lock(e, id, err);
}

int instance_lock_wait(const struct engine *e, const char *id, struct error *err)
{
        const struct timespec pause = { .tv_nsec = 1000000 };
        own_fd int dir = engine_open_run(e, err);
        int r = dir < 0 ? dir : lock_again(e, dir, id, err);

        for (int n = 0; r == -EBUSY && n < WAIT_TRIES; n++) {
                nanosleep(&pause, NULL);
                r = lock_again(e, dir, id, err);
        }
        return r == -EBUSY ? error_set(err, EBUSY, "another command is at work on it") : r;
}

void instance_unlock(const struct engine *e, const char *id, int *lock)
{
        own_fd int dir = engine_open_run(e, NULL);

        if (*lock < 0)
                return;
        if (dir >= 0)
                fd_remove_tree_at(dir, id);
        close(take_fd(lock));
}

void instance_lock_drop_unnamed(int run_instances, const char *name)
{
        own_fd int fd = -1;

        if (strncmp(name, TEMPORARY, strlen(TEMPORARY)) != 0)
                return;
        fd = openat(run_instances, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                unlinkat(run_instances, name, AT_REMOVEDIR);
}
