/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a container, from its clone to the program.
 *
 * It was cloned into its new namespaces (and on cgroup2 into its cgroup) as a copy of the
 * runtime; what it reads is its own copy of the runtime's struct launch. It says what it
 * needs over sync_init and dies with the runtime until it is told to go on alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "container/affinity.h"
#include "container/console.h"
#include "container/identity.h"
#include "container/launch.h"
#include "container/message.h"
#include "container/rootfs.h"
#include "container/start_socket.h"
#include "container/sysctl.h"
#include "sys/fd.h"
#include "sys/process.h"

/* Joined or made namespaces that are entered only here: the others happened at the clone. */
enum { AFTER_CLONE = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS };

static int die_with_runtime(int sync, struct error *err)
{
        struct pollfd p = { .fd = sync };

        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return error_errno(err, errno, "bind to the runtime's life");
        /* It may have died before the call. */
        if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
                return error_set(err, EPIPE, "the runtime is gone");
        return 0;
}

int init_raise_loopback(struct error *err)
{
        own_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

        if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &req) < 0)
                return error_errno(err, errno, "bring up the loopback interface");
        return 0;
}

static int set_names(const struct spec *s, struct error *err)
{
        if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
                return error_errno(err, errno, "set the hostname");
        if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
                return error_errno(err, errno, "set the domainname");
        return 0;
}

int init_join_cgroups(struct launch *l, struct error *err)
{
        struct cgroup *cg = &l->container.cgroup;
        int fds[CGROUP_MAX_HIERARCHIES], r;
        size_t n = CGROUP_MAX_HIERARCHIES;
        int32_t mask;

        if (l->in_cgroups)
                return 0;
        l->in_cgroups = true;
        r = message_expect_fds(l->sync_init, MESSAGE_CGROUPS, &mask, fds, &n, err);
        if (r < 0)
                return r;
        cgroup_take_tickets(cg, fds, n, mask);
        r = cgroup_join(cg, cgroup_clone_fd(cg) >= 0, err);
        if (r < 0)
                return r;
        affinity_reset();
        if (l->ns.create & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
                return error_errno(err, errno, "make a cgroup namespace");
        return namespaces_join(&l->ns, CLONE_NEWCGROUP, err);
}

int init_join_limited(struct launch *l, struct error *err)
{
        int r = init_join_cgroups(l, err);

        if (r < 0 || l->limited)
                return r;
        l->limited = true;
        return message_expect(l->sync_init, MESSAGE_LIMITED, NULL, err);
}

int init_ask_idmap(struct launch *l, size_t mount, int tree, struct error *err)
{
        int r = init_join_limited(l, err);

        if (r < 0)
                return r;
        r = message_send_fds(l->sync_init, MESSAGE_IDMAP, (int32_t)mount, &tree, 1);
        return r < 0 ? error_errno(err, -r, "talk to the runtime")
                     : message_expect(l->sync_init, MESSAGE_GO, NULL, err);
}

static int enter_namespaces(struct launch *l, struct error *err)
{
        int r = namespaces_join(&l->ns, AFTER_CLONE, err);

        if (r == 0 && l->ns.create & CLONE_NEWNET)
                r = init_raise_loopback(err);
        return r == 0 ? set_names(&l->spec, err) : r;
}

/* In the root filesystem: it has no other name that init could use in every user namespace. */
static int create_container_hooks(struct launch *l, const struct rootfs *root, struct error *err)
{
        const struct spec_hook_list *hooks = &l->spec.hooks.create_container;
        int r;

        if (!hooks->n)
                return 0;
        r = init_join_limited(l, err);
        if (r < 0)
                return r;
        if (fchdir(root->fd) < 0)
                return error_errno(err, errno, "enter the root filesystem");
        umask(l->umask);
        r = launch_run_hooks(l, hooks, "createContainer", CONTAINER_CREATING, NULL, err);
        umask(0);
        return r;
}

/* Our pid as the host's procfs, still in sight, counts: what hooks and agents are told. */
static void learn_host_pid(struct launch *l)
{
        char text[24];
        ssize_t n = readlink("/proc/self", text, sizeof text - 1);

        if (n <= 0)
                return;
        text[n] = '\0';
        l->init_pid = (pid_t)strtol(text, NULL, 10);
}

static int report_mounted(struct launch *l, struct error *err)
{
        int r;

        if (!l->has_hooks_at_mounts)
                return 0;
        r = init_join_limited(l, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_init, MESSAGE_MOUNTED, -1);
        return r < 0 ? error_errno(err, -r, "talk to the runtime")
                     : message_expect(l->sync_init, MESSAGE_GO, NULL, err);
}

static int make_terminal(struct launch *l, struct rootfs *root, int *ret_slave, struct error *err)
{
        own_fd int slave = -1;
        int r;

        if (!l->spec.process->terminal)
                return 0;
        /* Its device may be one of those that are still to be allowed. */
        r = init_join_limited(l, err);
        if (r < 0)
                return r;
        slave = console_create(root->fd, l->spec.process, l->options->plain_terminal, l->console_socket, l->sync_init,
                               err);
        if (slave < 0)
                return slave;
        r = rootfs_mount_console(root, slave, err);
        if (r == 0)
                r = console_adopt(slave, err);
        if (r == 0)
                *ret_slave = take_fd(&slave);
        return r;
}

static int make_cwd(struct rootfs *root, const char *cwd, struct error *err)
{
        own_fd int fd = fd_open_in_root(root->fd, cwd, O_PATH | O_DIRECTORY);

        /* A working directory that the image forgot is made, as all runtimes do; what else is wrong shows at chdir. */
        if (fd == -ENOENT)
                fd = fd_mkdir_in_root(root->fd, cwd, 0755);
        return fd == -EROFS || fd == -ENOENT ? error_errno(err, -fd, "create process.cwd %s", cwd) : 0;
}

static int build_root(struct launch *l, int *ret_slave, struct error *err)
{
        struct rootfs root;
        int r;

        r = rootfs_mount(&root, l, err);
        if (r == 0)
                r = init_join_cgroups(l, err);
        if (r == 0)
                r = report_mounted(l, err);
        if (r == 0)
                r = create_container_hooks(l, &root, err);
        if (r == 0)
                r = make_terminal(l, &root, ret_slave, err);
        if (r == 0)
                r = make_cwd(&root, l->spec.process->cwd, err);
        if (r == 0)
                r = rootfs_restrict(&root, err);
        if (r == 0)
                r = sysctl_apply(&l->spec, err);
        return r == 0 ? rootfs_enter(&root, err) : r;
}

static void end_by_signal(int signo)
{
        _exit(128 + signo);
}

/* The kernel drops what would end the first process of a pid namespace, unless it is caught. */
static void heed_signals(void)
{
        signal(SIGTERM, end_by_signal);
        signal(SIGINT, end_by_signal);
        signal(SIGHUP, end_by_signal);
}

/* create: tells the runtime that all is made, and goes on when `start` comes. */
static int wait_for_start(struct launch *l, struct error *err)
{
        int r, peer;

        heed_signals();
        r = message_send(l->sync_init, MESSAGE_CREATED, -1);
        if (r < 0)
                return error_errno(err, -r, "talk to the runtime");
        r = message_expect(l->sync_init, MESSAGE_GO, NULL, err);
        if (r < 0)
                return r;
        if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
                return error_errno(err, errno, "leave the runtime");
        message_send(l->sync_init, MESSAGE_CREATED, -1);
        close(take_fd(&l->sync_init));
        peer = start_socket_accept(l->start_socket, err);
        if (peer < 0)
                return peer;
        l->sync_init = peer;
        return 0;
}

static int start_container_hooks(void *userdata, struct error *err)
{
        struct launch *l = userdata;

        environ = (char **)l->spec.process->env.v;
        return launch_run_hooks(l, &l->spec.hooks.start_container, "startContainer", CONTAINER_CREATED, NULL, err);
}

static int execute(struct launch *l, const char *program, struct error *err)
{
        char keyring[NAME_MAX];
        struct identity id = {
                .process = l->spec.process,
                .has_personality = l->spec.linux_.has_personality,
                .personality = l->spec.linux_.personality,
                .has_cpus = l->spec.linux_.resources.cpu.cpus,
                .seccomp = l->has_seccomp ? &l->seccomp : NULL,
                .peer = l->sync_init,
        };

        snprintf(keyring, sizeof keyring, "_ses.%s", l->container.id);
        if (!l->options->no_new_keyring)
                id.session_keyring = keyring;
        if (l->spec.hooks.start_container.n)
                id.last = start_container_hooks, id.userdata = l;
        console_own_stdio(l->spec.process, l->options->stdio);
        /* From here on the container outlives the runtime. */
        if (l->starts_now && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
                return error_errno(err, errno, "leave the runtime");
        return identity_execute(&id, program, err);
}

static int run(struct launch *l, struct error *err)
{
        own_mem char *program = NULL;
        int r, slave = -1;
        bool in_userns = (l->ns.create | l->ns.joined) & CLONE_NEWUSER;

        r = die_with_runtime(l->sync_init, err);
        if (r == 0)
                r = console_take_stdio(l->options->stdio, err);
        if (r == 0 && l->waits_to_begin)
                r = message_expect(l->sync_init, MESSAGE_GO, NULL, err);
        if (r < 0)
                return r;
        /* Where the runtime is an ordinary user it could not have written our mappings before. */
        if (geteuid() != 0)
                process_hide();
        learn_host_pid(l);
        if (in_userns) {
                identity_become_root();
                /* With another user id the kernel has forgotten it. */
                r = die_with_runtime(l->sync_init, err);
        } else {
                r = identity_set_oom_score(l->spec.process, 0, err);
        }
        if (r == 0)
                r = enter_namespaces(l, err);
        setsid();
        l->umask = umask(0);
        if (r == 0)
                r = build_root(l, &slave, err);
        if (r == 0)
                r = identity_close_others(l->activation.preserve_fds, l->sync_init, l->start_socket, err);
        if (r == 0)
                r = identity_find_program(l->spec.process, &program, err);
        if (r == 0)
                r = init_join_limited(l, err);
        /* They are the program's: less than it takes to build a root may be enough for it. */
        if (r == 0 && !in_userns)
                r = identity_set_limits(l->spec.process, 0, err);
        if (r == 0 && !l->starts_now)
                r = wait_for_start(l, err);
        return r == 0 ? execute(l, program, err) : r;
}

void init_main(struct launch *l)
{
        struct error err;

        close(take_fd(&l->sync_runtime));
        run(l, &err);
        message_send_error(l->sync_init, &err);
        _exit(1);
}
