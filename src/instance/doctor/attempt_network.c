/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/doctor/attempt_network.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

struct request {
        struct nlmsghdr header;
        char data[256];
};

static void add_data(struct request *r, const void *data, size_t len)
{
        memcpy((char *)r + r->header.nlmsg_len, data, len);
        r->header.nlmsg_len += (uint32_t)NLMSG_ALIGN(len);
}

static void add_text(struct request *r, unsigned short type, const char *text)
{
        const struct rtattr a = { .rta_len = (unsigned short)RTA_LENGTH(strlen(text)), .rta_type = type };

        add_data(r, &a, sizeof a);
        add_data(r, text, strlen(text));
}

/* Sends it; the kernel's verdict. */
static int ask(int protocol, struct request *r)
{
        own_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                char rest[512];
        } answer;

        if (fd < 0)
                return -errno;
        if (send(fd, r, r->header.nlmsg_len, 0) < 0)
                return -errno;
        if (recv(fd, &answer, sizeof answer, 0) < (ssize_t)sizeof answer.header)
                return -EPROTO;
        return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : 0;
}

static int enter_namespace(void)
{
        return unshare((geteuid() ? CLONE_NEWUSER : 0) | CLONE_NEWNET) < 0 ? -errno : 0;
}

int network_try_link(const char *kind)
{
        struct request r = { .header = { .nlmsg_len = NLMSG_HDRLEN,
                                         .nlmsg_type = RTM_NEWLINK,
                                         .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK } };
        const struct ifinfomsg link = {};
        const struct rtattr info = { .rta_len = (unsigned short)(RTA_LENGTH(0) + RTA_SPACE(strlen(kind))),
                                     .rta_type = IFLA_LINKINFO };
        int e = enter_namespace();

        if (e < 0)
                return e;
        add_data(&r, &link, sizeof link);
        add_data(&r, &info, sizeof info);
        add_text(&r, IFLA_INFO_KIND, kind);
        return ask(NETLINK_ROUTE, &r);
}

int network_try_nftables(void)
{
        struct request r = { .header = { .nlmsg_len = NLMSG_HDRLEN,
                                         .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                                         .nlmsg_flags = NLM_F_REQUEST } };
        const struct nfgenmsg family = { .version = NFNETLINK_V0 };
        int e = enter_namespace();

        if (e < 0)
                return e;
        add_data(&r, &family, sizeof family);
        return ask(NETLINK_NETFILTER, &r);
}
