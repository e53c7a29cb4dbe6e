/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_start.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "net/attach.h"
#include "net/dns_server.h"
#include "net/netns.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sibling_program.h"

#define PROGRAM "holt-dns"
#define LOCK_FILE "dns"
#define SOCKET_FILE "dns.socket"

enum { BACKLOG = 32, PROC_PATH_SIZE = 64, LEG_ID = 10, LEG_TRIES = 100, LEG_PAUSE_US = 5000 };

static int open_at(int dir, const char *name, int flags, struct error *err)
{
        int fd = openat(dir, name, flags | O_CLOEXEC, 0600);

        return fd < 0 ? error_errno(err, errno, "open %s", name) : fd;
}

static int open_networks(const struct network_place *p, const char *name, struct error *err)
{
        own_mem char *path = NULL;
        int r;

        if (asprintf(&path, "%s/%s", p->run, name) < 0)
                return error_set(err, ENOMEM, "out of memory");
        r = fd_mkdir_all(path, 0755);
        if (r < 0)
                return error_errno(err, -r, "make %s", path);
        return open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, err);
}

/* ---- its sockets ---- */

static int listen_on(int type, struct error *err)
{
        const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
        own_fd int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int one = 1;

        if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) < 0 ||
            bind(fd, (const struct sockaddr *)&any, sizeof any) < 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
                return error_errno(err, errno, "open the sockets of " PROGRAM);
        return take_fd(&fd);
}

static int open_inside(void *userdata, struct error *err)
{
        struct dns_sockets *s = userdata;

        s->udp = listen_on(SOCK_DGRAM, err);
        if (s->udp < 0)
                return s->udp;
        s->tcp = listen_on(SOCK_STREAM, err);
        return s->tcp < 0 ? s->tcp : 0;
}

static struct sockaddr_un control_address(int dir)
{
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" SOCKET_FILE, dir);
        return a;
}

static int open_control(int dir, struct error *err)
{
        const struct sockaddr_un address = control_address(dir);
        own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return error_errno(err, errno, "make a socket");
        unlinkat(dir, SOCKET_FILE, 0);
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
            fchmodat(dir, SOCKET_FILE, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
                return error_errno(err, errno, "open " PROGRAM "'s socket");
        return take_fd(&fd);
}

/* ---- the process ---- */

/* Only system calls here. It is its own session's leader: nothing that happens to our terminal is meant for it. */
static _Noreturn void become(const char *path, const int *fds)
{
        char *const argv[] = { (char *)PROGRAM, NULL };
        int null = open("/dev/null", O_RDWR), high[DNS_N_FDS];

        process_reset_signals();
        if (setsid() < 0 || null < 0 || chdir("/") < 0)
                _exit(127);
        for (int i = 0; i < 3; i++)
                dup2(null, i);
        /* First out of each other's way. */
        for (int i = 0; i < DNS_N_FDS; i++)
                high[i] = fcntl(fds[i], F_DUPFD, DNS_FIRST_FD + DNS_N_FDS);
        for (int i = 0; i < DNS_N_FDS; i++)
                if (dup2(high[i], DNS_FIRST_FD + i) < 0)
                        _exit(127);
        if (close_range(DNS_FIRST_FD + DNS_N_FDS, ~0U, 0) < 0)
                _exit(127);
        execv(path, argv);
        _exit(127);
}

/* A process between us and it ends at once: nobody who waits for his children meets it. */
static int spawn(const struct dns_sockets *s, struct error *err)
{
        const int fds[DNS_N_FDS] = { s->udp, s->tcp, s->control, s->netns, s->endpoints, s->lock };
        const struct clone_options o = { .cgroup_fd = -1 };
        char path[PATH_MAX];
        pid_t pid;
        int r = sibling_program_find(PROGRAM, path, err);

        if (r < 0)
                return r;
        pid = process_clone(&o);
        if (pid < 0)
                return error_errno(err, (int)-pid, "start " PROGRAM);
        if (pid == 0) {
                pid = process_clone(&o);
                if (pid == 0)
                        become(path, fds);
                _exit(pid < 0);
        }
        r = process_wait(pid);
        return r == 0 ? 0 : error_set(err, EAGAIN, "start " PROGRAM);
}

static void close_sockets(struct dns_sockets *s)
{
        const int fds[DNS_N_FDS] = { s->udp, s->tcp, s->control, -1, s->endpoints, -1 };

        for (size_t i = 0; i < DNS_N_FDS; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

/* Returns the namespace of its sockets; the lock is its own afterwards. */
static int start(const struct network_place *p, int dir, int lock, struct error *err)
{
        struct dns_sockets s = { .udp = -1, .tcp = -1, .control = -1, .endpoints = -1, .lock = lock };
        own_fd int netns = netns_make(NULL, err);
        int r = netns;

        s.netns = netns;
        if (r >= 0)
                r = netns_do(netns, open_inside, &s, err);
        if (r >= 0)
                r = s.control = open_control(dir, err);
        if (r >= 0)
                r = s.endpoints = open_networks(p, "endpoints", err);
        if (r >= 0)
                r = spawn(&s, err);
        close_sockets(&s);
        return r < 0 ? r : take_fd(&netns);
}

static int ask_netns(int dir, struct error *err)
{
        const struct sockaddr_un address = control_address(dir);
        own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t n = 1;
        int netns = -1;
        char byte;

        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
                return error_errno(err, errno, "reach " PROGRAM);
        if (fd_receive(fd, &byte, 1, &netns, &n) != 1 || n != 1)
                return error_set(err, EPROTO, PROGRAM " does not answer");
        return netns;
}

/* ---- its end of a network ---- */

static int set_up_inside(int netns, const struct network *n, struct error *err)
{
        own_netlink struct netlink inside = { .fd = -1 };
        own_buf struct buf b = {};
        struct ip address;
        int index, r = netns_netlink(netns, &inside, err);

        if (r < 0)
                return r;
        index = link_index(&inside, n->interface, err);
        if (index < 0)
                return index;
        ip_parse(DNS_ADDRESS, &address);
        link_add_up(&inside, &b, (unsigned)index, false);
        link_add_address(&inside, &b, (unsigned)index, &address, 32, false);
        link_add_route(&inside, &b, (unsigned)index, &n->v4.subnet, NULL, 0, true);
        return netlink_talk(&inside, &b, err);
}

static int make_leg(const char *name, int netns, const struct network *n, struct netlink *host, unsigned index,
                    struct error *err)
{
        const struct veth v = { .name = name, .master = index, .netns = netns, .peer = n->interface };
        int r = link_make_veth(host, &v, err);

        /* That of one that was killed: the kernel has not come to it yet. */
        for (int tries = 0; r == -EEXIST && tries < LEG_TRIES; tries++) {
                usleep(LEG_PAUSE_US);
                r = link_make_veth(host, &v, err);
        }
        return r == 0 ? set_up_inside(netns, n, err) : r;
}

/* The lock is free, or its holder lives. */
static bool take_lock(int fd)
{
        return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int ensure(const struct network_place *p, const struct network *n, const char *leg, struct netlink *host,
                  unsigned index, int dir, int lock, struct error *err)
{
        own_fd int netns = -1;

        /* Somebody else may be at the same. */
        if (flock(dir, LOCK_EX) < 0)
                return error_errno(err, errno, "lock the networks");
        if (take_lock(lock))
                netns = start(p, dir, lock, err);
        else if (link_index(host, leg, err) >= 0)
                return 0;
        else
                netns = ask_netns(dir, err);
        return netns < 0 ? netns : make_leg(leg, netns, n, host, index, err);
}

static void name_leg(const struct network *n, char ret[IFNAMSIZ])
{
        snprintf(ret, IFNAMSIZ, "dns-%.*s", LEG_ID, n->id);
}

int dns_forget(const struct network *n, struct netlink *host, struct error *err)
{
        char leg[IFNAMSIZ];

        name_leg(n, leg);
        return link_remove(host, leg, err);
}

int dns_ensure(const struct network_place *p, const struct network *n, struct netlink *host, unsigned index,
               struct error *err)
{
        own_fd int dir = open_networks(p, "networks", err), lock = -1;
        char leg[IFNAMSIZ];
        int r;

        if (dir < 0)
                return dir;
        name_leg(n, leg);
        lock = open_at(dir, LOCK_FILE, O_RDWR | O_CREAT, err);
        if (lock < 0)
                return lock;
        if (!take_lock(lock) && link_index(host, leg, err) >= 0)
                return 0;
        flock(lock, LOCK_UN);
        r = ensure(p, n, leg, host, index, dir, lock, err);
        return r < 0 ? error_wrap(err, "names on the network %s", n->name) : 0;
}
