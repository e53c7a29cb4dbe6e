/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pasta.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { STOP_MS = 5000, MAX_SAID = 1 << 16, NOT_INSTALLED = 127, FIXED_ARGS = 16, PORT_SIZE = IP_TEXT_MAX + 16 };

/* ---- the namespace ---- */

int pasta_make_netns(struct error *err)
{
        const struct clone_options o = { .flags = CLONE_NEWNET, .cgroup_fd = -1 };
        own_fd int end = -1, wait = -1, netns = -1;
        char path[64];
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        wait = ends[0];
        end = ends[1];
        pid = process_clone(&o);
        if (pid == 0) {
                char byte;

                close(end);
                _exit(read(wait, &byte, 1) != 0);
        }
        if (pid < 0)
                return error_errno(err, -pid, "make a network namespace");
        snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
        netns = open(path, O_RDONLY | O_CLOEXEC);
        if (netns < 0)
                error_errno(err, errno, "open the network namespace");
        close(take_fd(&end));
        process_wait(pid);
        return netns < 0 ? -err->code : take_fd(&netns);
}

/* ---- the program ---- */

/* ADDRESS/PORT:PORT */
static const char *write_port(const struct endpoint_port *p, struct arena *a)
{
        char text[PORT_SIZE], address[IP_TEXT_MAX];

        snprintf(text, sizeof text, "%s%s%u:%u", p->host.family ? ip_format(&p->host, address) : "",
                 p->host.family ? "/" : "", p->host_port, p->port);
        return arena_strdup(a, text);
}

static int add_ports(const struct endpoint_port *ports, size_t n, uint8_t protocol, const char **argv, size_t *argc,
                     struct arena *a)
{
        const char *option = protocol == IPPROTO_UDP ? "-u" : "-t";
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                if (ports[i].protocol != protocol)
                        continue;
                argv[(*argc)++] = option;
                argv[*argc] = write_port(&ports[i], a);
                if (!argv[(*argc)++])
                        return -ENOMEM;
                any = true;
        }
        /* Otherwise it would pass on all that something listens on. */
        if (!any) {
                argv[(*argc)++] = option;
                argv[(*argc)++] = "none";
        }
        return 0;
}

static int name_pid_file(const char *path, char ret[PATH_MAX])
{
        return snprintf(ret, PATH_MAX, "%s.pid", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* What listens on the host's loopback is not the instance's to reach. */
static const char **make_arguments(const char *path, const struct endpoint_port *ports, size_t n, struct arena *a)
{
        static const char *const fixed[] = { "pasta", "--quiet",       "--config-net", "--no-map-gw", "--ns-ifname",
                                             "eth0",  "--dns-forward", PASTA_DNS,      "-T",          "none",
                                             "-U",    "none" };
        const char **argv = arena_alloc(a, ARRAY_SIZE(fixed) + FIXED_ARGS + 2 * n, sizeof *argv);
        size_t argc = ARRAY_SIZE(fixed);
        char pid_file[PATH_MAX];

        if (!argv || name_pid_file(path, pid_file) < 0)
                return NULL;
        memcpy(argv, fixed, sizeof fixed);
        if (add_ports(ports, n, IPPROTO_TCP, argv, &argc, a) < 0 ||
            add_ports(ports, n, IPPROTO_UDP, argv, &argc, a) < 0)
                return NULL;
        argv[argc++] = "--pid";
        argv[argc++] = arena_strdup(a, pid_file);
        argv[argc++] = "--netns";
        argv[argc++] = path;
        argv[argc] = NULL;
        return argv[argc - 3] ? argv : NULL;
}

static _Noreturn void become(const char *const *argv, int said)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        process_reset_signals();
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(said, 2) < 0)
                _exit(126);
        execvp(argv[0], (char *const *)argv);
        _exit(errno == ENOENT ? NOT_INSTALLED : 126);
}

/* Its last line, but for what it says of a host without a syslog. */
static const char *find_reason(struct buf *said)
{
        const char *reason = "";
        char *rest = said->len ? said->data : NULL, *line;

        while (rest && (line = strsep(&rest, "\n"))) {
                if (*line && strncmp(line, "Failed to send ", 15) != 0)
                        reason = line;
        }
        return reason;
}

/* It goes on in the background when the namespace is connected. */
static int run(const char *const *argv, struct error *err)
{
        const struct clone_options o = { .cgroup_fd = -1 };
        own_buf struct buf said = {};
        own_fd int ours = -1, its = -1;
        int ends[2], status;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        ours = ends[0];
        its = ends[1];
        pid = process_clone(&o);
        if (pid == 0)
                become(argv, its);
        close(take_fd(&its));
        status = pid < 0 ? pid : process_wait(pid);
        if (status < 0)
                return error_errno(err, -status, "start pasta");
        if (status == NOT_INSTALLED)
                return error_set(err, ENOENT, "pasta is not installed: install the package passt");
        if (status == 0)
                return 0;
        (void)fd_read_all(ours, MAX_SAID, &said);
        return error_set(err, EIO, "pasta: %s", find_reason(&said));
}

int pasta_start(int netns, const char *path, const struct endpoint_port *ports, size_t n_ports, struct error *err)
{
        own_fd int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct arena a = {};
        const char **argv;
        char from[32];
        int r;

        snprintf(from, sizeof from, "/proc/self/fd/%d", netns);
        if (file < 0 || mount(from, path, NULL, MS_BIND, NULL) < 0)
                return error_errno(err, errno, "name the network namespace %s", path);
        argv = make_arguments(path, ports, n_ports, &a);
        r = argv ? run(argv, err) : error_set(err, ENOMEM, "out of memory");
        arena_finish(&a);
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && r == 0)
                r = error_errno(err, errno, "unmount %s", path);
        if (r < 0)
                unlink(path);
        return r;
}

/* ---- its end ---- */

/* Its last argument is what nobody else's is. */
static bool is_for(pid_t pid, const char *path)
{
        char file[64], text[2 * PATH_MAX] = "";
        size_t len = strlen(path);
        own_fd int fd = -1;
        ssize_t n;

        snprintf(file, sizeof file, "/proc/%d/cmdline", (int)pid);
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = read(fd, text, sizeof text);
        return n > (ssize_t)len && !text[n - 1] && memcmp(text + n - 1 - len, path, len) == 0;
}

/* The number may be another's by now: what is looked at is held before. */
static int open_process(const char *path)
{
        char file[PATH_MAX], text[16];
        own_fd int pidfd = -1;
        uint32_t pid;

        if (name_pid_file(path, file) < 0 || fd_read_file_at(AT_FDCWD, file, text, sizeof text) <= 0)
                return -ENOENT;
        text[strcspn(text, "\n")] = '\0';
        if (parse_u32(text, 10, &pid) < 0)
                return -EINVAL;
        pidfd = process_open((pid_t)pid);
        return pidfd >= 0 && is_for((pid_t)pid, path) ? take_fd(&pidfd) : -ESRCH;
}

void pasta_stop(const char *path)
{
        own_fd int pidfd = open_process(path);
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        unlink(path);
        if (pidfd >= 0 && process_signal(pidfd, SIGKILL) == 0)
                (void)poll(&p, 1, STOP_MS);
}
