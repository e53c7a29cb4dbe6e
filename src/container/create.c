/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create and run, on the runtime's side.
 *
 * What is to be cleaned up after a crash is written down before it is made: first the
 * state directory with the plan of the cgroups, then the cgroups, then the process, which
 * dies with us until it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/check.h"
#include "container/console.h"
#include "container/foreground.h"
#include "container/hooks.h"
#include "container/identity.h"
#include "container/launch.h"
#include "container/listener.h"
#include "container/message.h"
#include "container/pid_file.h"
#include "container/rootfs.h"
#include "container/start_socket.h"
#include "container/state.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_CONFIG = 16 << 20 };

static void launch_init(struct launch *l, const struct container_options *o, bool starts_now)
{
        *l = (struct launch){
                .options = o,
                .starts_now = starts_now,
                .container = { .dirfd = -1, .rootfd = -1 },
                .sync_runtime = -1,
                .sync_init = -1,
                .start_socket = -1,
                .console_socket = -1,
                .rootfs_tree = -1,
                .init_pidfd = -1,
        };
}

static void close_all(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
}

static void launch_finish(struct launch *l)
{
        const int fds[] = { l->sync_runtime,   l->sync_init,   l->start_socket,
                            l->console_socket, l->rootfs_tree, l->init_pidfd };

        close_all(fds, ARRAY_SIZE(fds));
        if (l->mount_trees)
                close_all(l->mount_trees, l->spec.n_mounts);
        seccomp_finish(&l->seccomp);
        namespaces_finish(&l->ns);
        container_finish(&l->container);
        spec_finish(&l->spec);
}

static int read_config(struct launch *l, struct error *err)
{
        own_mem char *path = NULL;
        own_buf struct buf text = {};
        own_fd int fd = -1;
        int r;

        if (asprintf(&path, "%s/config.json", l->options->bundle) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "open %s", path);
        r = fd_read_all(fd, MAX_CONFIG, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        r = spec_parse(buf_str(&text), text.len, &l->spec, err);
        return r < 0 ? error_wrap(err, "%s", path) : 0;
}

static int find_rootfs(struct launch *l, struct error *err)
{
        own_mem char *joined = NULL;
        const char *path = l->spec.root_path;
        struct stat st;

        if (*path != '/') {
                if (asprintf(&joined, "%s/%s", l->options->bundle, path) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                path = joined;
        }
        l->container.rootfs = realpath(path, NULL);
        if (!l->container.rootfs || stat(l->container.rootfs, &st) < 0)
                return error_errno(err, errno, "root filesystem %s", path);
        if (!S_ISDIR(st.st_mode))
                return error_errno(err, ENOTDIR, "root filesystem %s", path);
        return 0;
}

static int check_terminal(const struct launch *l, struct error *err)
{
        bool terminal = l->spec.process->terminal, detached = l->options->detach || !l->starts_now;

        if (l->options->console_socket && (!terminal || !detached))
                return error_set(err, EINVAL,
                                 "a console socket is only for a detached container with process.terminal");
        if (terminal && detached && !l->options->console_socket)
                return error_set(err, EINVAL, "a detached container with process.terminal needs --console-socket");
        return 0;
}

static int open_cache(const struct launch *l)
{
        if (mkdirat(l->container.rootfd, STATE_CACHE, 0700) < 0 && errno != EEXIST)
                return -1;
        return openat(l->container.rootfd, STATE_CACHE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int prepare_seccomp(struct launch *l, struct error *err)
{
        own_fd int cache = -1;
        int r;

        if (!l->spec.linux_.seccomp)
                return 0;
        cache = open_cache(l);
        r = seccomp_prepare(l->spec.linux_.seccomp, cache, &l->seccomp, err);
        if (r < 0)
                return error_wrap(err, "linux.seccomp");
        l->has_seccomp = true;
        if (l->seccomp.notify && !l->spec.linux_.seccomp->listener_path)
                return error_set(err, EINVAL, "linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
        return seccomp_program_save(&l->seccomp, l->container.dirfd, STATE_SECCOMP, err);
}

/* Everything that can be refused without having made anything. */
static int read_and_check(struct launch *l, struct error *err)
{
        int r;

        r = container_check_id(l->options->id, err);
        if (r == 0)
                r = read_config(l, err);
        if (r == 0)
                r = check_spec(&l->spec, err);
        if (r == 0)
                r = check_terminal(l, err);
        if (r == 0)
                r = find_rootfs(l, err);
        if (r == 0)
                r = namespaces_plan(&l->spec, &l->ns, err);
        return r;
}

static int make_state(struct launch *l, struct error *err)
{
        struct container *c = &l->container;
        int r;

        c->bundle = strdup(l->options->bundle);
        c->oci_version = strdup(l->spec.oci_version);
        if (!c->bundle || !c->oci_version)
                return error_set(err, ENOMEM, "out of memory");
        c->namespaces = l->ns.create | l->ns.joined;
        r = cgroup_plan(&c->cgroup, &l->spec, c->id, l->options->systemd_cgroup, err);
        return r == 0 ? state_save(l, err) : r;
}

/* While init builds its root: its cgroups and their limits, and what it needs to join them. */
static int make_cgroups(struct launch *l, struct error *err)
{
        struct cgroup *cg = &l->container.cgroup;
        int fds[CGROUP_MAX_HIERARCHIES], r;
        int32_t mask;
        size_t n;

        r = cg->systemd ? cgroup_adopt(cg, &l->spec, l->init_pid, err) : cgroup_create(cg, &l->spec, err);
        if (r == 0 && cg->systemd)
                r = state_save_again(l, err);
        if (r == 0)
                r = cgroup_apply(cg, &l->spec.linux_.resources, false, err);
        if (r < 0)
                return r;
        n = cgroup_tickets(cg, fds, &mask);
        r = message_send_fds(l->sync_runtime, MESSAGE_CGROUPS, mask, fds, n);
        /* If init failed meanwhile, why is what we read next. */
        return r < 0 && r != -EPIPE ? error_errno(err, -r, "talk to the container's first process") : 0;
}

static int make_sockets(struct launch *l, struct error *err)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "socketpair");
        l->sync_runtime = pair[0];
        l->sync_init = pair[1];
        if (l->options->console_socket) {
                l->console_socket = console_connect(l->options->console_socket, err);
                if (l->console_socket < 0)
                        return l->console_socket;
        }
        if (l->starts_now)
                return 0;
        l->start_socket = start_socket_listen(l->container.dirfd, err);
        return l->start_socket < 0 ? l->start_socket : 0;
}

/* ---- the clone ---- */

/* The process between us and init (namespaces.h says when it is needed). */
static void stage_main(struct launch *l)
{
        struct clone_options o = { .flags = CLONE_PARENT | namespaces_clone_flags(&l->ns, true), .cgroup_fd = -1 };
        struct error err;
        pid_t pid;
        int r = 0;

        close(take_fd(&l->sync_runtime));
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (namespaces_has_new_user(&l->ns)) {
                r = message_send(l->sync_init, MESSAGE_MAP_USERS, -1);
                r = r < 0 ? error_errno(&err, -r, "talk to the runtime")
                          : message_expect(l->sync_init, MESSAGE_GO, NULL, &err);
        }
        if (r == 0)
                r = namespaces_join(&l->ns, CLONE_NEWUSER, &err);
        if (r == 0)
                r = namespaces_prepare_children(&l->ns, &l->spec, &err);
        if (r == 0) {
                pid = process_clone(&o);
                if (pid == 0)
                        init_main(l);
                r = pid < 0 ? error_errno(&err, -pid, "make the container's first process")
                            : message_send_fds(l->sync_init, MESSAGE_STAGE_PID, pid, NULL, 0);
        }
        if (r < 0)
                message_send_error(l->sync_init, &err);
        _exit(r < 0);
}

static int clone_by_stage(struct launch *l, struct error *err)
{
        struct clone_options o = { .flags = (uint64_t)l->ns.create & CLONE_NEWUSER,
                                   .cgroup_fd = cgroup_clone_fd(&l->container.cgroup) };
        struct message m = {};
        pid_t stage = process_clone(&o);
        int r;

        if (stage == 0)
                stage_main(l);
        if (stage < 0)
                return error_errno(err, -stage, "make the container's first process");
        do {
                r = message_receive(l->sync_runtime, &m, NULL);
                if (r > 0 && m.type == MESSAGE_MAP_USERS) {
                        r = namespaces_map_users(stage, &l->spec.linux_, err);
                        if (r == 0)
                                r = message_send(l->sync_runtime, MESSAGE_GO, -1) < 0 ? -EPIPE : 1;
                        if (r < 0)
                                kill(stage, SIGKILL);
                }
        } while (r > 0 && m.type == MESSAGE_MAP_USERS);
        process_wait(stage);
        if (r < 0)
                return r;
        if (r == 0 || m.type != MESSAGE_STAGE_PID) {
                if (r > 0 && m.type == MESSAGE_ERROR)
                        *err = m.error;
                else
                        error_set(err, EPIPE, "the process that enters the namespaces died");
                return -err->code;
        }
        l->init_pid = m.number;
        l->init_pidfd = process_open(m.number);
        return l->init_pidfd < 0 ? error_errno(err, -l->init_pidfd, "open process %d", (int)m.number) : 0;
}

/* CLONE_NEWTIME and a joined pid namespace change where our own children land: hooks run after this get ours back by
 * `restore`. */
static int clone_directly(struct launch *l, struct error *err)
{
        struct clone_options o = { .flags = namespaces_clone_flags(&l->ns, false),
                                   .cgroup_fd = cgroup_clone_fd(&l->container.cgroup),
                                   .ret_pidfd = &l->init_pidfd };
        const int special = (l->ns.joined & CLONE_NEWPID) | ((l->ns.create | l->ns.joined) & 0x80);
        own_fd int own_pid = -1, own_time = -1;
        int r = 0;

        if (special) {
                own_pid = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
                own_time = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
                r = namespaces_prepare_children(&l->ns, &l->spec, err);
                if (r < 0)
                        return r;
        }
        l->init_pid = process_clone(&o);
        if (l->init_pid == 0)
                init_main(l);
        if (special && own_pid >= 0)
                setns(own_pid, CLONE_NEWPID);
        if (special && own_time >= 0)
                setns(own_time, 0x80);
        if (l->init_pid == -ENOSPC)
                return error_set(err, ENOSPC,
                                 "the kernel's limit of namespaces is reached (/proc/sys/user/max_*_namespaces)");
        return l->init_pid < 0 ? error_errno(err, -l->init_pid, "make the container's first process") : 0;
}

/* What only the runtime may do for init, while init waits. */
static int outfit_init(struct launch *l, struct error *err)
{
        int r = 0;

        if (namespaces_has_new_user(&l->ns) && !namespaces_needs_stage(&l->ns))
                r = namespaces_map_users(l->init_pid, &l->spec.linux_, err);
        if (r == 0)
                r = identity_set_limits(l->spec.process, l->init_pid, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_GO, -1);
        return r < 0 ? error_set(err, EPIPE, "the container's first process died while it was set up") : 0;
}

static int record_init(struct launch *l, struct error *err)
{
        char state;
        int r = process_stat(l->init_pid, &l->container.start_time, &state);

        if (r < 0)
                return error_errno(err, -r, "look at process %d", (int)l->init_pid);
        l->container.pid = l->init_pid;
        return state_save_pid(&l->container, err);
}

static int make_init(struct launch *l, struct error *err)
{
        int r;

        l->waits_to_begin = (l->ns.create | l->ns.joined) & CLONE_NEWUSER;
        l->has_hooks_at_mounts = l->spec.hooks.prestart.n || l->spec.hooks.create_runtime.n;
        r = make_sockets(l, err);
        if (r == 0)
                r = rootfs_prepare(l, err);
        if (r == 0)
                r = cgroup_create_target(&l->container.cgroup, &l->spec, err);
        /* Init inherits it; an ordinary user's does it itself. */
        if (geteuid() == 0)
                process_hide();
        if (r == 0)
                r = namespaces_needs_stage(&l->ns) ? clone_by_stage(l, err) : clone_directly(l, err);
        if (r < 0)
                return r;
        close(take_fd(&l->sync_init));
        if (l->waits_to_begin) {
                r = outfit_init(l, err);
                if (r < 0)
                        return r;
        }
        r = record_init(l, err);
        return r == 0 ? make_cgroups(l, err) : r;
}

/* ---- following init ---- */

static int run_hooks(struct launch *l, const struct spec_hook_list *hooks, const char *kind,
                     enum container_status status, struct error *err)
{
        own_buf struct buf state = {};
        int r;

        if (!hooks->n)
                return 0;
        r = state_describe(&l->container, &l->spec.annotations, status, l->init_pid, &state, err);
        return r < 0 ? r : hooks_run(hooks, kind, buf_str(&state), err);
}

static int hooks_at_mounts(struct launch *l, struct error *err)
{
        int r = run_hooks(l, &l->spec.hooks.prestart, "prestart", CONTAINER_CREATING, err);

        if (r == 0)
                r = run_hooks(l, &l->spec.hooks.create_runtime, "createRuntime", CONTAINER_CREATING, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_GO, -1);
        return r < 0 ? error_set(err, EPIPE, "the container's first process died while it was set up") : 0;
}

static int pass_listener(struct launch *l, int listener, struct error *err)
{
        own_buf struct buf state = {};
        int r = state_describe(&l->container, &l->spec.annotations, CONTAINER_CREATING, l->init_pid, &state, err);

        return r < 0 ? r
                     : listener_pass(l->spec.linux_.seccomp->listener_path, l->spec.linux_.seccomp->listener_metadata,
                                     listener, l->init_pid, buf_str(&state), err);
}

/* Serves init until it is complete (`created`), or until it executes the program (`started`: the end of the stream). */
static int follow_init(struct launch *l, int *ret_master, struct error *err)
{
        for (;;) {
                own_fd int fd = -1;
                struct message m;
                int r = message_receive(l->sync_runtime, &m, &fd);

                if (r < 0)
                        return error_errno(err, -r, "talk to the container's first process");
                if (r == 0)
                        return l->starts_now ? 0 : error_set(err, EPIPE, "the container's first process died");
                switch (m.type) {
                case MESSAGE_ERROR:
                        *err = m.error;
                        return -err->code;
                case MESSAGE_MOUNTED:
                        r = hooks_at_mounts(l, err);
                        break;
                case MESSAGE_CONSOLE:
                        *ret_master = take_fd(&fd);
                        break;
                case MESSAGE_LISTENER:
                        r = pass_listener(l, fd, err);
                        break;
                case MESSAGE_CREATED:
                        return 0;
                default:
                        return error_set(err, EPROTO, "unexpected message %d", (int)m.type);
                }
                if (r < 0)
                        return r;
        }
}

/* Takes back what was made. err is left as it is. */
static void undo(struct launch *l)
{
        struct container *c = &l->container;
        struct error ignored;

        if (l->init_pidfd >= 0) {
                process_signal(l->init_pidfd, SIGKILL);
                process_wait(l->init_pid);
        }
        if (c->dirfd < 0)
                return;
        if (c->cgroup.n) {
                cgroup_kill(&c->cgroup, SIGKILL, &ignored);
                cgroup_destroy(&c->cgroup, &ignored);
        }
        state_remove(c, &ignored);
}

static int make_container(struct launch *l, struct error *err)
{
        int r = read_and_check(l, err);

        if (r == 0)
                r = state_create(&l->container, l->options->root, l->options->id, err);
        if (r == 0)
                r = prepare_seccomp(l, err);
        if (r == 0)
                r = make_state(l, err);
        return r == 0 ? make_init(l, err) : r;
}

/* create: lets init go on alone once everything that belongs to it is recorded. */
static int leave_created(struct launch *l, struct error *err)
{
        int master = -1, r;

        r = follow_init(l, &master, err);
        if (r == 0)
                r = pid_file_announce(l->options, l->init_pid, l->init_pidfd, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_GO, -1);
        return r < 0 ? error_set(err, EPIPE, "the container's first process died")
                     : message_expect(l->sync_runtime, MESSAGE_CREATED, NULL, err);
}

int container_create(const struct container_options *o, struct error *err)
{
        struct launch l;
        int r;

        launch_init(&l, o, false);
        r = make_container(&l, err);
        if (r == 0)
                r = leave_created(&l, err);
        if (r < 0 && !(r == -EEXIST && l.container.dirfd < 0))
                undo(&l);
        launch_finish(&l);
        return r;
}

static int run_started(struct launch *l, int *ret_exit, struct error *err)
{
        own_fd int master = -1;
        int r = follow_init(l, &master, err);

        if (r == 0)
                r = pid_file_announce(l->options, l->init_pid, l->init_pidfd, err);
        if (r == 0)
                r = run_hooks(l, &l->spec.hooks.poststart, "poststart", CONTAINER_RUNNING, err);
        if (r < 0 || l->options->detach)
                return r;
        return foreground_wait(l->init_pid, l->init_pidfd, master, ret_exit, err);
}

/* The poststop hooks come from the state as it was written: one way for run and delete. */
static int end_run(struct launch *l, struct error *err)
{
        struct container *c = &l->container;
        int r;

        if (l->spec.hooks.poststop.n) {
                own_container struct container again = { .dirfd = -1, .rootfd = -1 };

                r = container_load(l->options->root, c->id, &again, err);
                if (r < 0)
                        return r;
                r = container_delete(&again, true, err);
                c->warning = again.warning;
        } else {
                r = container_delete(c, true, err);
        }
        if (l->options->ret_warning)
                *l->options->ret_warning = c->warning;
        return r;
}

int container_run(const struct container_options *o, int *ret_exit, struct error *err)
{
        struct launch l;
        int r = 0;

        launch_init(&l, o, true);
        if (!o->detach) {
                r = foreground_prepare(err);
                if (r == 0 && !o->no_subreaper)
                        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        }
        if (r == 0)
                r = make_container(&l, err);
        if (r == 0)
                r = run_started(&l, ret_exit, err);
        if (r < 0)
                undo(&l);
        else if (!o->detach && !o->keep)
                r = end_run(&l, err);
        launch_finish(&l);
        return r;
}
