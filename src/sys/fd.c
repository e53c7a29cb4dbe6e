/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fd.h"

#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/own.h"

/* MAX_FDS: the default of fs.nr_open, above which a process has no descriptors. */
enum { MAX_SENT_FDS = 32, MAX_FDS = 1 << 20 };

int fd_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
        struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
        long fd;

        /* EAGAIN: a rename raced with a ".." of the path; the kernel asks to try again (openat2(2)). */
        for (int tries = 0; tries < 128; tries++) {
                fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
                if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
                        break;
        }
        return fd < 0 ? -errno : (int)fd;
}

int fd_mkdir_all(const char *path, mode_t mode)
{
        own_mem char *prefix = strdup(path);

        if (!prefix)
                return -ENOMEM;
        for (char *p = prefix + 1; *prefix && *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(prefix, mode) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(prefix, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int fd_read_all(int fd, size_t max, struct buf *ret)
{
        char chunk[16384];
        size_t total = 0;
        ssize_t n;

        for (;;) {
                n = read(fd, chunk, sizeof chunk);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return buf_failed(ret) ? -ENOMEM : 0;
                total += (size_t)n;
                if (total > max)
                        return -EFBIG;
                buf_add(ret, chunk, (size_t)n);
        }
}

ssize_t fd_read_file_at(int dirfd, const char *path, char *data, size_t size)
{
        own_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
        size_t len = 0;
        ssize_t n;

        if (fd < 0)
                return -errno;
        while (len < size - 1) {
                n = read(fd, data + len, size - 1 - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        if (len && data[len - 1] == '\n')
                len--;
        data[len] = '\0';
        return (ssize_t)len;
}

int fd_write_all(int fd, const void *data, size_t len)
{
        const char *p = data;
        ssize_t n;

        while (len) {
                n = write(fd, p, len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                len -= (size_t)n;
        }
        return 0;
}

int fd_write_file_at(int dirfd, const char *path, const char *text)
{
        own_fd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        do
                n = write(fd, text, strlen(text));
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

int fd_replace_file_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode)
{
        own_fd int fd = -1;
        char temp[256];
        int r;

        r = snprintf(temp, sizeof temp, ".%s.%d", name, (int)getpid());
        if (r < 0 || (size_t)r >= sizeof temp)
                return -ENAMETOOLONG;
        /* Left by a process of our pid that died; in a directory of others, anything. */
        for (int tries = 0; tries < 2 && fd < 0; tries++) {
                fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
                if (fd < 0 && (errno != EEXIST || unlinkat(dirfd, temp, 0) < 0))
                        return -errno;
        }
        if (fd < 0)
                return -EEXIST;
        r = fd_write_all(fd, data, len);
        if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dirfd, temp, 0);
        return r;
}

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * MAX_SENT_FDS)];
        } control = {};
        struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (n_fds > MAX_SENT_FDS)
                return -EINVAL;
        if (n_fds) {
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        do
                n = sendmsg(sock, &msg, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == len ? 0 : -EMSGSIZE;
}

static size_t take_received(struct msghdr *msg, int *fds, size_t max)
{
        size_t n = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
                size_t count;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < count; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                        if (n < max)
                                fds[n++] = fd;
                        else
                                close(fd);
                }
        }
        return n;
}

ssize_t fd_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * MAX_SENT_FDS)];
        } control = {};
        struct iovec iov = { .iov_base = data, .iov_len = size };
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        size_t max = n_fds ? *n_fds : 0;
        ssize_t n;

        do
                n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        max = take_received(&msg, fds, max);
        if (n_fds)
                *n_fds = max;
        return n;
}

int fd_connect_unix(const char *path)
{
        own_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir = -1;
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        const char *base = strrchr(path, '/');
        own_mem char *parent = NULL;
        int n;

        if (sock < 0)
                return -errno;
        n = snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
        if ((size_t)n >= sizeof addr.sun_path) {
                if (!base)
                        return -ENAMETOOLONG;
                parent = strndup(path, (size_t)(base - path) + 1);
                if (!parent)
                        return -ENOMEM;
                dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (dir < 0)
                        return -errno;
                n = snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d/%s", dir, base + 1);
                if ((size_t)n >= sizeof addr.sun_path)
                        return -ENAMETOOLONG;
        }
        if (connect(sock, (struct sockaddr *)&addr, sizeof addr) < 0)
                return -errno;
        return take_fd(&sock);
}

int fd_cloexec_from(unsigned first)
{
        return syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static bool is_among(int fd, const int *list, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (list[i] == fd)
                        return true;
        }
        return false;
}

/* The lowest of the list that is not below `from`. */
static unsigned find_next(unsigned from, const int *list, size_t n)
{
        unsigned next = ~0U;

        for (size_t i = 0; i < n; i++) {
                if (list[i] >= 0 && (unsigned)list[i] >= from && (unsigned)list[i] < next)
                        next = (unsigned)list[i];
        }
        return next;
}

int fd_close_others(unsigned preserved, const int *keep, size_t n_keep)
{
        unsigned from = 3 + (preserved < MAX_FDS ? preserved : MAX_FDS), next;

        for (int fd = 3; fd < (int)from; fd++) {
                int flags = fcntl(fd, F_GETFD);

                if (flags >= 0 && flags & FD_CLOEXEC && !is_among(fd, keep, n_keep))
                        close(fd);
        }
        for (;; from = next + 1) {
                next = find_next(from, keep, n_keep);
                if (next > from && syscall(SYS_close_range, from, next - (next != ~0U), 0) < 0)
                        return -errno;
                if (next == ~0U)
                        return 0;
        }
}

int fd_hold_standard(void)
{
        struct pollfd p[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

        if (poll(p, ARRAY_SIZE(p), 0) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
                /* The lowest free number is this one: those below are in use by now. */
                if (p[i].revents & POLLNVAL && open("/dev/null", O_RDWR) != (int)i)
                        return -EBADF;
        }
        return 0;
}
