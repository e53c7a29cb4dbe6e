/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/netlink.h"

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
