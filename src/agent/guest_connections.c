/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other ends of a copy's connections are the original's. A descriptor of each is taken from the process that has it,
 * and the connection ended as connect(2) has it (AF_UNSPEC, "dissolves the association"): no kernel module is needed,
 * and the process keeps its descriptor, which says ECONNRESET.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/guest.h"
#include "base/own.h"
#include "base/parse.h"
#include "net/address.h"

static bool is_tcp(int sock)
{
        int protocol = 0;
        socklen_t size = sizeof protocol;

        return getsockopt(sock, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

/* Of a socket for both families. */
static bool is_mapped_loopback(const struct ip *ip)
{
        static const uint8_t mapped[13] = { [10] = 0xff, 0xff, 127 };

        return ip->family == AF_INET6 && memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

/* One that has no other end, or whose other end is in this guest as well, is nobody else's. */
static bool leads_out(int sock)
{
        struct sockaddr_storage a = {};
        struct ip ip = {};
        socklen_t size = sizeof a;

        if (getpeername(sock, (struct sockaddr *)&a, &size) < 0)
                return false;
        ip.family = a.ss_family;
        if (a.ss_family == AF_INET)
                memcpy(ip.bytes, &((const struct sockaddr_in *)&a)->sin_addr, sizeof(struct in_addr));
        else if (a.ss_family == AF_INET6)
                memcpy(ip.bytes, &((const struct sockaddr_in6 *)&a)->sin6_addr, sizeof(struct in6_addr));
        else
                return false;
        return !ip_is_loopback(&ip) && !is_mapped_loopback(&ip);
}

static int break_connection(int pidfd, int number)
{
        const struct sockaddr none = { .sa_family = AF_UNSPEC };
        own_fd int sock = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

        /* One that has been closed, or its process ended. */
        if (sock < 0)
                return errno == EBADF || errno == ESRCH ? 0 : -errno;
        if (!is_tcp(sock) || !leads_out(sock))
                return 0;
        return connect(sock, &none, sizeof none) < 0 ? -errno : 0;
}

static bool is_socket(int fds, const char *number)
{
        char target[16] = "";

        return readlinkat(fds, number, target, sizeof target - 1) > 0 && strncmp(target, "socket:", 7) == 0;
}

static int break_those_of(int proc, const char *name, uint32_t pid)
{
        char path[32];
        own_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fds = -1;
        own_dir DIR *d = NULL;
        const struct dirent *e;
        uint32_t number;
        int r = 0;

        snprintf(path, sizeof path, "%.16s/fd", name);
        fds = pidfd < 0 ? -1 : openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fds < 0 ? NULL : fdopendir(fcntl(fds, F_DUPFD_CLOEXEC, 0));
        if (!d)
                return errno == ESRCH || errno == ENOENT ? 0 : -errno;
        while (r == 0 && (e = readdir(d)))
                if (parse_u32(e->d_name, 10, &number) == 0 && is_socket(fds, e->d_name))
                        r = break_connection(pidfd, (int)number);
        return r;
}

int guest_break_connections(struct error *err)
{
        own_dir DIR *proc = opendir("/proc");
        const struct dirent *e;
        uint32_t pid;
        int r = 0;

        if (!proc)
                return error_errno(err, errno, "open /proc");
        while (r == 0 && (e = readdir(proc)))
                if (parse_u32(e->d_name, 10, &pid) == 0)
                        r = break_those_of(dirfd(proc), e->d_name, pid);
        return r < 0 ? error_errno(err, -r, "break the connections of the original") : 0;
}
