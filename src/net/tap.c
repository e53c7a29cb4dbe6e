/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/own.h"
#include "net/link.h"

int tap_open(const char *name, struct error *err)
{
        own_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL };
        size_t len = strlen(name);

        if (fd < 0)
                return error_errno(err, errno, "open /dev/net/tun");
        if (len >= sizeof(r.ifr_name))
                return error_set(err, EINVAL, "%s: too long a name for an interface", name);
        memcpy(r.ifr_name, name, len + 1);
        if (ioctl(fd, TUNSETIFF, &r) < 0)
                return error_errno(err, errno == EBUSY ? EEXIST : errno, "make the interface %s", name);
        return take_fd(&fd);
}

int tap_persist(int tap, bool persists)
{
        return ioctl(tap, TUNSETPERSIST, (unsigned long)persists) < 0 ? -errno : 0;
}

int tap_send_away(int tap, pid_t pid, struct error *err)
{
        own_netlink struct netlink n = { .fd = -1 };
        struct ifinfomsg header = {};
        own_buf struct buf b = {};
        struct ifreq r = {};
        size_t at;
        int done;

        if (ioctl(tap, TUNGETIFF, &r) < 0)
                return error_errno(err, errno, "find an interface");
        done = netlink_open(NETLINK_ROUTE, &n, err);
        if (done == 0)
                done = header.ifi_index = link_index(&n, r.ifr_name, err);
        if (done < 0)
                return done;
        at = netlink_begin(&n, &b, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
        netlink_add_u32(&b, IFLA_NET_NS_PID, (uint32_t)pid);
        netlink_end(&b, at);
        done = netlink_talk(&n, &b, err);
        return done == 0 ? tap_persist(tap, true) : done;
}

int tap_use_modern_header(int tap)
{
        int size = sizeof(struct virtio_net_hdr_mrg_rxbuf);

        return ioctl(tap, TUNSETVNETHDRSZ, &size) < 0 ? -errno : 0;
}

int tap_make(struct netlink *n, const char *name, unsigned bridge, unsigned mtu, struct error *err)
{
        own_fd int fd = tap_open(name, err);
        int index = fd < 0 ? fd : link_index(n, name, err);
        struct ifinfomsg header = { .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
        own_buf struct buf b = {};
        size_t at;

        if (index < 0)
                return index;
        at = netlink_begin(n, &b, RTM_NEWLINK, NLM_F_ACK, &header, sizeof(header));
        netlink_add_u32(&b, IFLA_MASTER, bridge);
        if (mtu)
                netlink_add_u32(&b, IFLA_MTU, mtu);
        netlink_end(&b, at);
        if (netlink_talk(n, &b, err) < 0)
                return error_wrap(err, "plug in %s", name);
        return take_fd(&fd);
}
