/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: another process in a running container.
 *
 * The runtime enters the container's pid and time namespaces for its children, clones, and the child
 * does the rest: cgroups, then all other namespaces with one setns() on init's pidfd. So
 * init's descriptor, checked once, is the only way in; no path below /proc/PID is walked.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/activation.h"
#include "container/affinity.h"
#include "container/console.h"
#include "container/foreground.h"
#include "container/identity.h"
#include "container/lifecycle.h"
#include "container/listener.h"
#include "container/message.h"
#include "container/pid_file.h"
#include "container/state.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_PROCESS = 16 << 20 };

struct exec {
        struct container *c;
        const struct exec_options *o;
        struct spec spec; /* .process: what to run */
        struct activation activation;
        struct seccomp_program seccomp;
        bool has_seccomp, has_personality, new_keyring;
        bool follows;   /* goes where init is in the cgroup that the container manages */
        bool waits;     /* the child, until it was put into its cgroup */
        bool in_userns; /* entered by the runtime itself, so that it could enter the others for its children */
        uint64_t personality;
        int init, root; /* pidfd of init; its root where that is not the root of its mount namespace */
        int sync_runtime, sync_child, console_socket;
        pid_t pid;
        int pidfd;
};

/* ---- what to run ---- */

static int read_process_file(struct exec *x, struct error *err)
{
        own_fd int fd = open(x->o->process_path, O_RDONLY | O_CLOEXEC);
        own_buf struct buf text = {};
        int r;

        if (fd < 0)
                return error_errno(err, errno, "open %s", x->o->process_path);
        r = fd_read_all(fd, MAX_PROCESS, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", x->o->process_path);
        r = spec_parse_process(buf_str(&text), text.len, &x->spec, err);
        return r < 0 ? error_wrap(err, "%s", x->o->process_path) : 0;
}

static int read_own_process(struct exec *x, struct error *err)
{
        own_buf struct buf text = {};
        struct json_object *process;

        if (json_get_object(x->c->json, "process", &process, err) <= 0)
                return error_set(err, EINVAL, "the container's state has no process");
        json_add_value(&text, process);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        return spec_parse_process(text.data, text.len, &x->spec, err);
}

static size_t count(const char *const *list)
{
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

static int append_list(struct arena *a, struct str_list *l, const char *const *more, struct error *err)
{
        size_t n = count(more);
        const char **v = arena_alloc(a, l->n + n + 1, sizeof *v);

        if (!v)
                return error_set(err, ENOMEM, "out of memory");
        if (l->n)
                memcpy(v, l->v, l->n * sizeof *v);
        if (n)
                memcpy(v + l->n, more, n * sizeof *v);
        l->v = v;
        l->n += n;
        return 0;
}

/* UID or UID:GID, nothing else (CVE-2026-30892). */
static int set_user(struct spec_process *p, const char *user, struct error *err)
{
        const char *colon = strchr(user, ':');
        own_mem char *uid = colon ? strndup(user, (size_t)(colon - user)) : strdup(user);
        uint32_t u, g = p->gid;

        if (!uid)
                return error_set(err, ENOMEM, "out of memory");
        /* (uid_t)-1 means "leave it" to setresuid(2). */
        if (parse_u32(uid, 10, &u) < 0 || u == UINT32_MAX ||
            (colon && (parse_u32(colon + 1, 10, &g) < 0 || g == UINT32_MAX)))
                return error_set(err, EINVAL, "--user \"%s\": expected UID or UID:GID as numbers", user);
        p->uid = u;
        p->gid = g;
        return 0;
}

static int add_gids(struct exec *x, struct error *err)
{
        struct spec_process *p = x->spec.process;
        size_t n = count(x->o->additional_gids);
        gid_t *gids;

        if (x->o->own_gids)
                p->n_additional_gids = 0;
        if (!n)
                return 0;
        gids = arena_alloc(&x->spec.arena, p->n_additional_gids + n, sizeof *gids);
        if (!gids)
                return error_set(err, ENOMEM, "out of memory");
        if (p->n_additional_gids)
                memcpy(gids, p->additional_gids, p->n_additional_gids * sizeof *gids);
        for (size_t i = 0; i < n; i++) {
                if (parse_u32(x->o->additional_gids[i], 10, &gids[p->n_additional_gids + i]) < 0)
                        return error_set(err, EINVAL, "--additional-gids \"%s\": expected a number",
                                         x->o->additional_gids[i]);
        }
        p->additional_gids = gids;
        p->n_additional_gids += n;
        return 0;
}

static int add_caps(struct exec *x, struct error *err)
{
        struct spec_caps *caps = &x->spec.process->caps;
        uint64_t bit;

        for (size_t i = 0; x->o->caps && x->o->caps[i]; i++) {
                if (strncmp(x->o->caps[i], "CAP_", 4) != 0)
                        return error_set(err, EINVAL, "--cap \"%s\": not the name of a capability", x->o->caps[i]);
                /* As in the configuration: what this kernel does not know cannot be granted, and is no error. */
                if (!name_value_find(oci_capabilities, x->o->caps[i], &bit))
                        continue;
                caps->bounding |= 1ULL << bit;
                caps->effective |= 1ULL << bit;
                caps->permitted |= 1ULL << bit;
                /* Ambient ones have to be inheritable: without any inheritable one nobody wants them. */
                if (caps->inheritable)
                        caps->ambient |= 1ULL << bit;
        }
        return 0;
}

static int change_process(struct exec *x, struct error *err)
{
        const struct exec_options *o = x->o;
        struct spec_process *p = x->spec.process;
        int r;

        p->args = (struct str_list){};
        r = append_list(&x->spec.arena, &p->args, (const char *const *)o->args, err);
        if (r == 0)
                r = append_list(&x->spec.arena, &p->env, o->env, err);
        if (r == 0 && o->user)
                r = set_user(p, o->user, err);
        if (r == 0)
                r = add_gids(x, err);
        if (r == 0)
                r = add_caps(x, err);
        if (r < 0)
                return r;
        p->terminal = o->tty;
        p->console_width = o->columns;
        p->console_height = o->rows;
        if (o->cwd)
                p->cwd = o->cwd;
        if (o->no_new_privs)
                p->no_new_privileges = true;
        if (o->apparmor)
                p->apparmor_profile = o->apparmor;
        if (o->process_label)
                p->selinux_label = o->process_label;
        return *p->cwd == '/' ? 0 : error_set(err, EINVAL, "--cwd \"%s\" is not an absolute path", p->cwd);
}

static int load_process(struct exec *x, struct error *err)
{
        bool terminal, detached = x->o->common->detach, socket = x->o->common->console_socket;
        int r;

        if (x->o->process_path) {
                r = read_process_file(x, err);
        } else {
                r = read_own_process(x, err);
                if (r == 0)
                        r = change_process(x, err);
        }
        if (r < 0)
                return r;
        if (!x->spec.process->args.n)
                return error_set(err, EINVAL, "there is nothing to run: process.args is empty");
        terminal = x->spec.process->terminal;
        if (terminal && detached && !socket)
                return error_set(err, EINVAL, "a detached process with a terminal needs --console-socket");
        if (socket && !(terminal && detached))
                return error_set(err, EINVAL, "a console socket is only for a detached process with a terminal");
        return identity_check_labels(x->spec.process, NULL, err);
}

static int load_rest(struct exec *x, struct error *err)
{
        struct json_object *json = x->c->json;
        bool keep_keyring = false;
        char name[STATE_NAME_MAX];
        int r;

        json_get_bool(json, "seccomp", &x->has_seccomp, NULL);
        json_get_bool(json, "noNewKeyring", &keep_keyring, NULL);
        x->new_keyring = !keep_keyring;
        x->has_personality = json_get_u64(json, "personality", &x->personality, NULL) > 0;
        if (!x->has_seccomp)
                return 0;
        state_file_name(x->c->id, STATE_SECCOMP, name);
        r = seccomp_program_load(x->c->rootfd, name, &x->seccomp, err);
        return r < 0 ? error_wrap(err, "the container's seccomp filter") : 0;
}

/* ---- the child ---- */

static int enter_namespaces(struct exec *x, struct error *err)
{
        /* The pid and time namespaces were entered by the clone; a user namespace one is in already cannot be joined
         * again. */
        int flags = x->c->namespaces & ~(CLONE_NEWPID | CLONE_NEWTIME);

        if (x->in_userns)
                flags &= ~CLONE_NEWUSER;
        if (flags && setns(x->init, flags) < 0)
                return error_errno(err, errno, "join the container's namespaces");
        if (x->root >= 0 && (fchdir(x->root) < 0 || chroot(".") < 0))
                return error_errno(err, errno, "enter the container's root");
        if (x->c->namespaces & CLONE_NEWUSER)
                identity_become_root();
        return 0;
}

static int make_terminal(struct exec *x, struct error *err)
{
        own_fd int root = -1, slave = -1;

        if (!x->spec.process->terminal)
                return 0;
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return error_errno(err, errno, "open /");
        slave = console_create(root, x->spec.process, x->o->common->plain_terminal, x->console_socket, x->sync_child,
                               err);
        return slave < 0 ? slave : console_adopt(slave, err);
}

static int run_child(struct exec *x, struct error *err)
{
        struct spec_process *p = x->spec.process;
        char keyring[NAME_MAX];
        own_mem char *program = NULL;
        struct identity id = {
                .process = p,
                .has_personality = x->has_personality,
                .personality = x->personality,
                .seccomp = x->has_seccomp ? &x->seccomp : NULL,
                .peer = x->sync_child,
        };
        int r;

        r = console_take_stdio(x->o->common->stdio, err);
        if (r == 0)
                r = affinity_set(p->cpu_affinity_initial, "initial", err);
        if (r == 0)
                r = cgroup_join(&x->c->cgroup, cgroup_clone_fd(&x->c->cgroup) >= 0, err);
        if (!p->cpu_affinity_initial)
                affinity_reset();
        if (r == 0)
                r = affinity_set(p->cpu_affinity_final, "final", err);
        if (r == 0)
                r = identity_set_oom_score(p, 0, err);
        if (r == 0)
                r = identity_set_limits(p, 0, err);
        if (r == 0)
                r = enter_namespaces(x, err);
        setsid();
        umask(0);
        if (r == 0)
                r = make_terminal(x, err);
        if (r == 0 && chdir("/") < 0)
                r = error_errno(err, errno, "chdir /");
        if (r == 0)
                r = identity_close_others(x->activation.preserve_fds, x->sync_child, -1, err);
        if (r == 0)
                r = identity_find_program(p, &program, err);
        if (r < 0)
                return r;
        snprintf(keyring, sizeof keyring, "_ses.%s", x->c->id);
        id.session_keyring = x->new_keyring ? keyring : NULL;
        console_own_stdio(p, x->o->common->stdio);
        return identity_execute(&id, program, err);
}

static void child_main(struct exec *x) __attribute__((noreturn));

static void child_main(struct exec *x)
{
        struct error err;

        char go;

        close(take_fd(&x->sync_runtime));
        if (x->waits && read(x->sync_child, &go, 1) != 1)
                _exit(255);
        run_child(x, &err);
        message_send_error(x->sync_child, &err);
        _exit(255);
}

/* ---- the runtime ---- */

static int open_init(struct exec *x, struct error *err)
{
        char path[64];
        bool plain_root = false;

        x->init = lifecycle_open_init(x->c);
        if (x->init < 0)
                return error_set(err, ESRCH, "cannot exec in a stopped container");
        json_get_bool(x->c->json, "plainRoot", &plain_root, NULL);
        if (!plain_root)
                return 0;
        snprintf(path, sizeof path, "/proc/%d/root", (int)x->c->pid);
        x->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return x->root < 0 ? error_errno(err, errno, "open the container's root") : 0;
}

/* An ordinary user has rights over the container's other namespaces only within its user namespace. */
static int enter_for_children(struct exec *x, struct error *err)
{
        int flags = x->c->namespaces & (CLONE_NEWPID | CLONE_NEWTIME);

        /* Whoever shares the pid namespace must not look into us while we stand in the container. */
        process_hide();
        if (geteuid() != 0)
                flags |= x->c->namespaces & CLONE_NEWUSER;
        if (flags && setns(x->init, flags) < 0)
                return error_errno(err, errno, "join the container's namespaces");
        x->in_userns = flags & CLONE_NEWUSER;
        return 0;
}

static int clone_child(struct exec *x, struct error *err)
{
        struct cgroup *cgroup = &x->c->cgroup;
        struct clone_options clone = { .ret_pidfd = &x->pidfd, .cgroup_fd = cgroup_clone_fd(cgroup) };
        pid_t pid = process_clone(&clone);

        /* An init such as systemd hands its controllers down, and then no process may be in the container's own cgroup.
         */
        if (pid == -EBUSY && cgroup_follow(cgroup, x->c->pid, err) >= 0) {
                clone.cgroup_fd = cgroup_clone_fd(cgroup);
                pid = process_clone(&clone);
        }
        x->waits = (pid == -EACCES || pid == -EPERM) && cgroup->systemd && cgroup->rootless;
        if (x->waits) {
                clone.cgroup_fd = -1;
                pid = process_clone(&clone);
        }
        if (pid == 0)
                child_main(x);
        return pid;
}

/*
 * At its start systemd goes into a cgroup below, takes along whom it finds beside itself, and hands controllers down to
 * it later. Who came in between would hinder that.
 */
static void catch_up(struct exec *x)
{
        struct cgroup *cgroup = &x->c->cgroup;
        struct error ignored;

        if (x->follows && cgroup_follow(cgroup, x->c->pid, &ignored) == 1)
                (void)cgroup_put(cgroup, x->pid);
}

static int let_child_go(struct exec *x, struct error *err)
{
        int r = cgroup_attach(&x->c->cgroup, x->pid, err);

        if (r == 0 && write(x->sync_runtime, "", 1) == 1)
                return 0;
        if (r == 0)
                r = error_errno(err, errno, "talk to the new process");
        process_signal(x->pidfd, SIGKILL);
        process_wait(x->pid);
        return r;
}

static int start_child(struct exec *x, struct error *err)
{
        const struct container_options *o = x->o->common;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "socketpair");
        x->sync_runtime = pair[0];
        x->sync_child = pair[1];
        if (o->console_socket) {
                x->console_socket = console_connect(o->console_socket, err);
                if (x->console_socket < 0)
                        return x->console_socket;
        }
        x->follows = x->c->cgroup.split && !count(x->o->cgroups);
        r = cgroup_open_for_exec(&x->c->cgroup, x->o->cgroups, count(x->o->cgroups), err);
        if (r == 0 && x->follows)
                r = cgroup_follow(&x->c->cgroup, x->c->pid, err);
        if (r >= 0)
                r = enter_for_children(x, err);
        if (r < 0)
                return r;
        x->pid = clone_child(x, err);
        close(take_fd(&x->sync_child));
        if (x->pid < 0)
                return error_errno(err, -x->pid, "make a process in the container");
        catch_up(x);
        return x->waits ? let_child_go(x, err) : 0;
}

/* Until the end of the stream: the program was executed. */
static int follow_child(struct exec *x, int *ret_master, struct error *err)
{
        for (;;) {
                own_fd int fd = -1;
                struct message m;
                int r = message_receive(x->sync_runtime, &m, &fd);

                if (r <= 0)
                        return r < 0 ? error_errno(err, -r, "talk to the new process") : 0;
                if (m.type == MESSAGE_ERROR) {
                        *err = m.error;
                        return -err->code;
                }
                if (m.type == MESSAGE_CONSOLE)
                        *ret_master = take_fd(&fd);
                if (m.type == MESSAGE_LISTENER) {
                        r = listener_pass_of(x->c, CONTAINER_RUNNING, fd, x->pid, err);
                        if (r < 0)
                                return r;
                }
        }
}

/* Up to the program's start. */
static int start_exec(struct exec *x, int *ret_master, struct error *err)
{
        int r = start_child(x, err);

        if (r < 0)
                return r;
        r = follow_child(x, ret_master, err);
        if (r == 0)
                r = pid_file_announce(x->o->common, x->pid, x->pidfd, err);
        if (r < 0) {
                process_signal(x->pidfd, SIGKILL);
                process_wait(x->pid);
        }
        return r;
}

static int run_exec(struct exec *x, int *ret_exit, struct error *err)
{
        const struct container_options *o = x->o->common;
        own_fd int master = -1;
        int r = foreground_prepare(o, err);

        if (r == 0)
                r = start_exec(x, &master, err);
        return r < 0 || o->detach ? r : foreground_wait(x->pid, x->pidfd, master, ret_exit, err);
}

static int check_status(struct container *c, const struct exec_options *o, struct error *err)
{
        enum container_status status;
        int r = container_status(c, &status, err);

        if (r < 0)
                return r;
        if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
                return error_set(err, EINVAL, "cannot exec in a stopped container");
        if (status == CONTAINER_PAUSED && !o->ignore_paused)
                return error_set(err, EINVAL, "cannot exec in a paused container (use --ignore-paused to override)");
        return 0;
}

static int prepare(struct exec *x, struct container *c, const struct exec_options *o, struct error *err)
{
        int r;

        *x = (struct exec){ .c = c,
                            .o = o,
                            .init = -1,
                            .root = -1,
                            .sync_runtime = -1,
                            .sync_child = -1,
                            .console_socket = -1,
                            .pidfd = -1 };
        r = check_status(c, o, err);
        if (r == 0)
                r = activation_read(o->common, &x->activation, err);
        if (r == 0)
                r = load_process(x, err);
        x->activation.notify_socket = NULL;
        if (r == 0)
                r = activation_add_environment(&x->activation, &x->spec, err);
        if (r == 0)
                r = load_rest(x, err);
        return r == 0 ? open_init(x, err) : r;
}

static void finish(struct exec *x)
{
        const int fds[] = { x->init, x->root, x->sync_runtime, x->sync_child, x->console_socket, x->pidfd };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
        seccomp_finish(&x->seccomp);
        spec_finish(&x->spec);
}

int container_exec(struct container *c, const struct exec_options *o, int *ret_exit, struct error *err)
{
        struct exec x;
        int r = prepare(&x, c, o, err);

        if (r == 0)
                r = run_exec(&x, ret_exit, err);
        finish(&x);
        return r;
}

int container_exec_spawn(struct container *c, const struct exec_options *o, struct container_process *ret,
                         struct error *err)
{
        own_fd int master = -1;
        struct exec x;
        int r = prepare(&x, c, o, err);

        if (r == 0)
                r = start_exec(&x, &master, err);
        if (r == 0)
                *ret = (struct container_process){ x.pid, take_fd(&x.pidfd), take_fd(&master) };
        finish(&x);
        return r;
}
