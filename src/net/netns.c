/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"
#include "sys/netlink.h"
#include "sys/process.h"

static int open_own(struct error *err)
{
        int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, "open /proc/self/ns/net") : fd;
}

/* There is no going on in the wrong namespace: what comes next would be done to a stranger's network. */
static void go_back(int home)
{
        if (setns(home, CLONE_NEWNET) < 0)
                _exit(125);
}

static int open_inside(struct netlink *ret_netlink, struct error *err)
{
        own_fd int netns = open_own(err);
        int r = netns < 0 ? netns : ret_netlink ? netlink_open(NETLINK_ROUTE, ret_netlink, err) : 0;

        return r < 0 ? r : take_fd(&netns);
}

int netns_make(struct netlink *ret_netlink, struct error *err)
{
        own_fd int home = open_own(err);
        int netns;

        if (home < 0)
                return home;
        if (unshare(CLONE_NEWNET) < 0)
                return error_errno(err, errno, "make a network namespace");
        netns = open_inside(ret_netlink, err);
        go_back(home);
        return netns;
}

/* Only system calls here. */
static _Noreturn void make_for_parent(int user_ns, int sock)
{
        int fd;

        if (setns(user_ns, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
                _exit(1);
        fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        _exit(fd < 0 || fd_send(sock, "", 1, &fd, 1) < 0);
}

int netns_make_in(int user_ns, struct error *err)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        own_fd int ours = -1, theirs = -1;
        int pair[2], netns = -1;
        size_t n = 1;
        char byte;
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "socketpair");
        ours = pair[0];
        theirs = pair[1];
        pid = process_clone(&o);
        if (pid == 0)
                make_for_parent(user_ns, theirs);
        close(take_fd(&theirs));
        if (pid > 0 && (fd_receive(ours, &byte, 1, &netns, &n) <= 0 || n != 1))
                netns = -1;
        if (pid > 0)
                process_wait(pid);
        return netns < 0 ? error_set(err, EIO, "make a network namespace in the user namespace") : netns;
}

int netns_do(int netns, int (*work)(void *userdata, struct error *err), void *userdata, struct error *err)
{
        own_fd int home = open_own(err);
        int r;

        if (home < 0)
                return home;
        if (setns(netns, CLONE_NEWNET) < 0)
                return error_errno(err, errno, "enter the network namespace");
        r = work(userdata, err);
        go_back(home);
        return r;
}

static int open_netlink(void *userdata, struct error *err)
{
        return netlink_open(NETLINK_ROUTE, userdata, err);
}

int netns_netlink(int netns, struct netlink *ret, struct error *err)
{
        return netns_do(netns, open_netlink, ret, err);
}
