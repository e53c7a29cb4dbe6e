/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mount_detached.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"

struct home {
        int ns, root, cwd;
};

static void home_close(struct home *h)
{
        const int fds[] = { h->ns, h->root, h->cwd };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
}
#define own_home __attribute__((cleanup(home_close)))

static int leave(struct home *h)
{
        h->ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        h->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        h->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return h->ns < 0 || h->root < 0 || h->cwd < 0 || unshare(CLONE_NEWNS) < 0 ? -errno : 0;
}

/* There is no going on in the wrong namespace: what is removed or unmounted next would be something else's. setns(2)
 * changes the root and the working directory, too. */
static void go_back(const struct home *h)
{
        if (setns(h->ns, CLONE_NEWNS) < 0 || fchdir(h->root) < 0 || chroot(".") < 0 || fchdir(h->cwd) < 0)
                _exit(125);
}

static int attach(int tree, const char *place)
{
        own_fd int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        own_fd int at = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r;

        if (slash < 0 || at < 0)
                return -errno;
        r = mount_set_attr(slash, true, 0, 0, MS_PRIVATE);
        return r < 0 ? r : mount_attach(tree, at);
}

/* What is attached goes with its namespace: `tree` is replaced by a copy. */
static int copy(int tree, int part, const char *place)
{
        own_fd int copied = -1, again = -1;
        int r = attach(tree, place);

        if (r == 0)
                r = copied = mount_clone(part, "", true);
        if (r >= 0)
                r = again = mount_clone(tree, "", true);
        if (r < 0)
                return r;
        return dup3(again, tree, O_CLOEXEC) < 0 ? -errno : take_fd(&copied);
}

int mount_clone_by_attaching(int tree, int part, const char *place)
{
        own_home struct home h = { -1, -1, -1 };
        int r = leave(&h);

        if (r < 0)
                return r;
        r = copy(tree, part, place);
        go_back(&h);
        return r;
}

int mount_clone_detached(int tree, int part, const char *place)
{
        int fd = mount_clone(part, "", true);

        return fd == -EINVAL ? mount_clone_by_attaching(tree, part, place) : fd;
}
