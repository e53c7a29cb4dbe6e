/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

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

int instance_lock(const struct engine *e, const char *id, struct error *err)
{
        own_fd int dir = engine_open_run(e, err);
        int r;

        if (dir < 0)
                return dir;
        do {
                if (mkdirat(dir, id, 0700) < 0 && errno != EEXIST)
                        return error_errno(err, errno, "make %s/instances/%s", e->run, id);
                r = instance_lock_existing(dir, id);
        } while (r == -ENOENT);
        if (r == -EBUSY)
                return error_set(err, EBUSY, "another command is at work on it");
        return r < 0 ? error_errno(err, -r, "lock the instance") : r;
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
