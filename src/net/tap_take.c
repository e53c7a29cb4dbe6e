/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tap_take.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "net/link.h"
#include "sys/process.h"

/* ---- the way here ---- */

static int send_away(int pidfd, const char *name, int to, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        struct ifinfomsg header = {};
        own_buf struct buf b = {};
        size_t at;
        int r;

        if (setns(pidfd, CLONE_NEWNET) < 0)
                return error_errno(err, errno, "enter the machine's network");
        r = netlink_open(NETLINK_ROUTE, &n, err);
        if (r == 0)
                r = header.ifi_index = link_index(&n, name, err);
        if (r < 0)
                return r;
        at = netlink_begin(&n, &b, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
        netlink_add_u32(&b, IFLA_NET_NS_FD, (uint32_t)to);
        netlink_end(&b, at);
        return netlink_talk(&n, &b, err);
}

/* Another process goes there: who enters a namespace does not come back but by a right that he may not have. */
static int fetch(int pidfd, const char *name, struct error *err)
{
        static const struct clone_options o = { .cgroup_fd = -1 };
        own_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        pid_t pid = here < 0 ? -errno : process_clone(&o);

        if (pid == 0)
                _exit(send_away(pidfd, name, here, NULL) < 0);
        if (pid < 0)
                return error_errno(err, (int)-pid, "fetch an interface");
        return process_wait(pid) ? error_set(err, EIO, "the machine's interface %s could not be fetched", name) : 0;
}

/* ---- its place ---- */

struct port {
        uint32_t master, mtu;
        uint8_t isolated, mode;
};

static uint8_t u8(const struct nlattr *a)
{
        return a && netlink_len(a) ? *(const uint8_t *)netlink_data(a) : 0;
}

static int read_port(void *userdata, const struct nlmsghdr *message)
{
        const struct nlattr *info = netlink_find(message, sizeof(struct ifinfomsg), IFLA_LINKINFO);
        const struct nlattr *data = info ? netlink_find_nested(info, IFLA_INFO_SLAVE_DATA) : NULL;
        struct port *p = userdata;

        p->master = netlink_u32(netlink_find(message, sizeof(struct ifinfomsg), IFLA_MASTER));
        p->mtu = netlink_u32(netlink_find(message, sizeof(struct ifinfomsg), IFLA_MTU));
        if (data) {
                p->isolated = u8(netlink_find_nested(data, IFLA_BRPORT_ISOLATED));
                p->mode = u8(netlink_find_nested(data, IFLA_BRPORT_MODE));
        }
        return 0;
}

static int find_port(struct netlink *n, int like, struct port *ret, struct error *err)
{
        struct ifinfomsg header = {};
        own_buf struct buf b = {};
        struct ifreq r = {};
        size_t at;

        if (ioctl(like, TUNGETIFF, &r) < 0)
                return error_errno(err, errno, "find the interface of an instance");
        header.ifi_index = link_index(n, r.ifr_name, err);
        if (header.ifi_index < 0)
                return header.ifi_index;
        at = netlink_begin(n, &b, RTM_GETLINK, NLM_F_ACK, &header, sizeof(header));
        netlink_end(&b, at);
        return netlink_ask(n, &b, read_port, ret, err);
}

static int plug_in(struct netlink *n, const char *name, const struct port *p, struct error *err)
{
        struct ifinfomsg header = { .ifi_index = link_index(n, name, err), .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
        own_buf struct buf b = {};
        size_t at;
        int r;

        if (header.ifi_index < 0)
                return header.ifi_index;
        at = netlink_begin(n, &b, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
        netlink_add_u32(&b, IFLA_MASTER, p->master);
        netlink_add_u32(&b, IFLA_MTU, p->mtu);
        netlink_end(&b, at);
        r = netlink_talk(n, &b, err);
        if (r == 0 && p->isolated)
                r = link_set_port(n, name, IFLA_BRPORT_ISOLATED, err);
        if (r == 0 && p->mode)
                r = link_set_port(n, name, IFLA_BRPORT_MODE, err);
        return r;
}

int tap_take(int pidfd, const char *name, int like, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        struct port port = {};
        int r = netlink_open(NETLINK_ROUTE, &n, err);

        if (r == 0)
                r = find_port(&n, like, &port, err);
        if (r == 0 && !port.master)
                r = error_set(err, ENODEV, "the interface of an instance is in no bridge");
        if (r == 0)
                r = fetch(pidfd, name, err);
        return r == 0 ? plug_in(&n, name, &port, err) : r;
}
