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
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "container/foreground.h"
#include "container/identity.h"
#include "container/launch.h"
#include "container/listener.h"
#include "container/message.h"
#include "container/pid_file.h"
#include "container/rootfs.h"
#include "container/state.h"
#include "sys/process.h"

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
        if (r == 0 && !namespaces_has_new_user(&l->ns))
                r = namespaces_check_mappings(&l->spec.linux_, &err);
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

static int why_no_process(const struct launch *l, int code, struct error *err)
{
        /* pid_namespaces(7). */
        if (code == ENOMEM && l->ns.joined & CLONE_NEWPID)
                return error_set(err, ESRCH, "the pid namespace that is to be joined has ended");
        return error_errno(err, code, "make the container's first process");
}

/* CLONE_NEWTIME and a joined pid namespace change where our own children land: hooks run after this get ours back by
 * `restore`. */
static int clone_directly(struct launch *l, struct error *err)
{
        struct clone_options o = { .flags = namespaces_clone_flags(&l->ns, false),
                                   .cgroup_fd = cgroup_clone_fd(&l->container.cgroup),
                                   .ret_pidfd = &l->init_pidfd };
        const int special = (l->ns.joined & CLONE_NEWPID) | ((l->ns.create | l->ns.joined) & CLONE_NEWTIME);
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
                setns(own_time, CLONE_NEWTIME);
        if (l->init_pid == -ENOSPC)
                return error_set(err, ENOSPC,
                                 "the kernel's limit of namespaces is reached (/proc/sys/user/max_*_namespaces)");
        return l->init_pid < 0 ? why_no_process(l, -l->init_pid, err) : 0;
}

/* What only the runtime may do for init, while init waits. */
static int outfit_init(struct launch *l, struct error *err)
{
        int r = 0;

        if (namespaces_has_new_user(&l->ns) && !namespaces_needs_stage(&l->ns))
                r = namespaces_map_users(l->init_pid, &l->spec.linux_, err);
        if (r == 0)
                r = identity_set_limits(l->spec.process, l->init_pid, err);
        if (r == 0)
                r = identity_set_oom_score(l->spec.process, l->init_pid, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_GO, -1);
        return r < 0 ? error_set(err, EPIPE, "the container's first process died while it was set up") : 0;
}

static int make_init(struct launch *l, struct error *err)
{
        int r;

        l->waits_to_begin = (l->ns.create | l->ns.joined) & CLONE_NEWUSER;
        l->has_hooks_at_mounts = l->spec.hooks.prestart.n || l->spec.hooks.create_runtime.n;
        r = launch_make_sockets(l, err);
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
        r = launch_make_cgroups(l, err);
        if (r == 0)
                r = launch_record_init(l, err);
        return r == 0 ? launch_limit(l, err) : r;
}

/* ---- following init ---- */

static int hooks_at_mounts(struct launch *l, struct error *err)
{
        int r = launch_run_hooks(l, &l->spec.hooks.prestart, "prestart", CONTAINER_CREATING, l->container.bundle, err);

        if (r == 0)
                r = launch_run_hooks(l, &l->spec.hooks.create_runtime, "createRuntime", CONTAINER_CREATING,
                                     l->container.bundle, err);
        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_GO, -1);
        return r < 0 ? error_set(err, EPIPE, "the container's first process died while it was set up") : 0;
}

static int idmap_for_init(struct launch *l, int32_t mount, int tree, struct error *err)
{
        int r;

        if (mount < 0 || (size_t)mount >= l->spec.n_mounts)
                return error_set(err, EPROTO, "there is no mount %d", (int)mount);
        r = rootfs_idmap(l, &l->spec.mounts[mount], tree, err);
        if (r < 0)
                return error_wrap(err, "mount %s", l->spec.mounts[mount].destination);
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
                case MESSAGE_IDMAP:
                        r = idmap_for_init(l, m.number, fd, err);
                        break;
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

static int make_container(struct launch *l, struct error *err)
{
        int r = activation_read(l->options, &l->activation, err);

        if (r == 0)
                r = launch_read(l, err);
        if (r == 0)
                r = state_create(&l->container, l->options->root, l->options->id, err);
        if (r == 0)
                r = launch_prepare_seccomp(l, err);
        if (r == 0)
                r = launch_record(l, err);
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
        if (r < 0 && !(r == -EEXIST && l.container.statefd < 0))
                launch_undo(&l);
        launch_finish(&l);
        return r;
}

/* Follows it until it runs the program. */
static int follow_start(struct launch *l, int *ret_master, struct error *err)
{
        int r = follow_init(l, ret_master, err);

        if (r == 0)
                r = pid_file_announce(l->options, l->init_pid, l->init_pidfd, err);
        if (r == 0)
                r = launch_run_hooks(l, &l->spec.hooks.poststart, "poststart", CONTAINER_RUNNING, l->container.bundle,
                                     err);
        return r;
}

static int run_started(struct launch *l, int *ret_exit, struct error *err)
{
        own_fd int master = -1;
        int r = follow_start(l, &master, err);

        if (r < 0 || l->options->detach)
                return r;
        return foreground_wait(l->init_pid, l->init_pidfd, master, ret_exit, err);
}

int container_run(const struct container_options *o, int *ret_exit, struct error *err)
{
        struct launch l;
        int r;

        launch_init(&l, o, true);
        r = foreground_prepare(o, err);
        if (r == 0)
                r = make_container(&l, err);
        if (r == 0)
                r = run_started(&l, ret_exit, err);
        if (r < 0)
                launch_undo(&l);
        else if (!o->detach && !o->keep)
                r = launch_end(&l, err);
        launch_finish(&l);
        return r;
}

int container_spawn(const struct container_options *o, struct container_process *ret, struct error *err)
{
        own_fd int master = -1;
        struct launch l;
        int r;

        launch_init(&l, o, true);
        r = make_container(&l, err);
        if (r == 0)
                r = follow_start(&l, &master, err);
        if (r < 0)
                launch_undo(&l);
        else
                *ret = (struct container_process){ l.init_pid, take_fd(&l.init_pidfd), take_fd(&master) };
        launch_finish(&l);
        return r;
}
