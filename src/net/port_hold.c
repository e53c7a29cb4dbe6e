/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. The firewall leads packets for a published port elsewhere before any socket sees them, so
 * nothing would keep a program of the host from taking the same port, nor the kernel from using it for a connection
 * that goes out. A socket that is bound to it does. It belongs to no process of its own (Docker has one a port): all
 * of them lie as messages in a Unix socket, and whoever keeps that one open keeps the ports.
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "net/port.h"

/* The kernel's limit for one message. */
enum { MAX_DESCRIPTORS = 253 };
enum { CLOSING_TRIES = 20, CLOSING_PAUSE_US = 5000 };

/* What comes by in spite of all is not collected. */
static void refuse_all(int sock)
{
        struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
        const struct sock_fprog program = { .len = ARRAY_SIZE(nothing), .filter = nothing };

        (void)setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int open_socket(int family, uint8_t protocol)
{
        int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, fd;

        fd = socket(family, type | SOCK_CLOEXEC, protocol);
        if (fd >= 0 && protocol == IPPROTO_UDP)
                refuse_all(fd);
        return fd;
}

static socklen_t make_address(const struct ip *ip, int family, uint16_t port, struct sockaddr_storage *ret)
{
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

        if (family == AF_INET) {
                memcpy(&v4.sin_addr, ip->bytes, sizeof v4.sin_addr);
                memcpy(ret, &v4, sizeof v4);
                return sizeof v4;
        }
        memcpy(&v6.sin6_addr, ip->bytes, sizeof v6.sin6_addr);
        memcpy(ret, &v6, sizeof v6);
        return sizeof v6;
}

/* The descriptor or -errno. One socket of IPv6 holds a port of both families. */
static int bind_port(const struct port_wish *w, uint16_t port)
{
        struct sockaddr_storage address;
        int family = w->host.family ? w->host.family : AF_INET6, only = w->host.family == AF_INET6, fd;
        const int again = 1;

        fd = open_socket(family, w->protocol);
        if (fd < 0 && errno == EAFNOSUPPORT && !w->host.family) {
                family = AF_INET;
                fd = open_socket(family, w->protocol);
        }
        if (fd < 0)
                return -errno;
        if (family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        if (w->for_listening && w->protocol == IPPROTO_TCP)
                (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
        if (bind(fd, (struct sockaddr *)&address, make_address(&w->host, family, port, &address)) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        return fd;
}

static uint16_t bound_port(int fd)
{
        struct sockaddr_storage address = {};
        socklen_t len = sizeof address;
        struct sockaddr_in v4 = {};

        if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
                return 0;
        memcpy(&v4, &address, sizeof v4);
        /* Of both families at the same place. */
        return ntohs(v4.sin_port);
}

static int cannot_hold(const struct port_wish *w, int code, const struct buf *owner, struct error *err)
{
        char host[IP_TEXT_MAX];
        const char *at = w->host.family ? ip_format(&w->host, host) : "", *colon = w->host.family ? ":" : "";

        if (code == EADDRNOTAVAIL)
                return error_set(err, code, "publish port %u: this host has no address %s", w->host_first, at);
        if (code != EADDRINUSE)
                return error_errno(err, code, "publish port %s%s%u/%s", at, colon, w->host_first,
                                   protocol_name(w->protocol));
        if (w->host_first != w->host_last)
                return error_set(err, code, "publish port %u: all ports from %u to %u are taken", w->port,
                                 w->host_first, w->host_last);
        return error_set(err, code, "publish port %s%s%u/%s: it is taken%s", at, colon, w->host_first,
                         protocol_name(w->protocol), buf_str(owner));
}

/* The first that is free. */
static int bind_first(const struct port_wish *w, struct endpoint_port *ret)
{
        int fd = -EADDRINUSE;

        for (unsigned port = w->host_first; fd == -EADDRINUSE && port <= w->host_last; port++) {
                fd = bind_port(w, (uint16_t)port);
                ret->host_port = (uint16_t)port;
        }
        return fd;
}

/*
 * Sockets that lay in a socket are closed by the kernel a moment after the last process that had it: a port that nobody
 * has is about to be free.
 */
static int hold_one(const struct network_place *p, const struct port_wish *w, struct endpoint_port *ret,
                    struct error *err)
{
        own_buf struct buf owner = {};
        int fd;

        *ret = (struct endpoint_port){ .host = w->host, .port = w->port, .protocol = w->protocol };
        fd = bind_first(w, ret);
        for (int tries = 0; fd == -EADDRINUSE && w->host_first == w->host_last && tries < CLOSING_TRIES; tries++) {
                port_find_owner(p, w, w->host_first, &owner);
                if (owner.len)
                        break;
                usleep(CLOSING_PAUSE_US);
                fd = bind_first(w, ret);
        }
        /* A kernel without SCTP has no program either that could take its ports. */
        if (fd == -EPROTONOSUPPORT && w->host_first)
                return -1;
        if (fd < 0)
                return cannot_hold(w, -fd, &owner, err);
        if (!w->host_first)
                ret->host_port = bound_port(fd);
        return fd;
}

/* The descriptors go into the socket, and are closed here. */
static int put_away(int sock, int *fds, size_t n, struct error *err)
{
        union {
                char data[CMSG_SPACE(sizeof(int) * MAX_DESCRIPTORS)];
                struct cmsghdr align;
        } control = {};
        char byte = 0;
        struct iovec iov = { &byte, 1 };
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control.data,
                            .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        int r = 0;

        if (!n)
                return 0;
        *c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                               .cmsg_type = SCM_RIGHTS,
                               .cmsg_len = CMSG_LEN(sizeof(int) * n) };
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
        if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                r = error_errno(err, errno, "hold the published ports");
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
        return r;
}

static int hold_all(const struct network_place *p, const struct port_wishes *w, int sock, struct endpoint_port *ret,
                    struct error *err)
{
        int fds[MAX_DESCRIPTORS], r = 0;
        size_t n = 0;

        for (size_t i = 0; r == 0 && i < w->n; i++) {
                struct error failure = {};
                int fd = hold_one(p, &w->v[i], &ret[i], &failure);

                if (fd >= 0)
                        fds[n++] = fd;
                else if (failure.code)
                        r = error_set(err, failure.code, "%s", failure.text);
                if (n == MAX_DESCRIPTORS && r == 0) {
                        r = put_away(sock, fds, n, err);
                        n = 0;
                }
        }
        if (r == 0)
                return put_away(sock, fds, n, err);
        while (n)
                close(fds[--n]);
        return r;
}

int port_hold(const struct network_place *p, const struct port_wishes *w, struct arena *a, struct endpoint_port **ret,
              struct error *err)
{
        own_fd int in = -1, out = -1;
        struct endpoint_port *ports = arena_alloc(a, w->n, sizeof *ports);
        int pair[2], r;

        if (!ports)
                return error_set(err, ENOMEM, "out of memory");
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "make a socket");
        in = pair[0];
        out = pair[1];
        r = hold_all(p, w, in, ports, err);
        if (r < 0)
                return r;
        *ret = ports;
        return take_fd(&out);
}
