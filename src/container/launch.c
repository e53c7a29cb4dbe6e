/* SPDX-License-Identifier: Apache-2.0 */
/* What making a container anew and restoring one have in common, on the runtime's side. */
#include "container/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "container/check.h"
#include "container/console.h"
#include "container/hooks.h"
#include "container/message.h"
#include "container/start_socket.h"
#include "container/state.h"
#include "sys/fd.h"
#include "sys/process.h"

enum { MAX_CONFIG = 16 << 20 };

void launch_init(struct launch *l, const struct container_options *o, bool starts_now)
{
        *l = (struct launch){
                .options = o,
                .starts_now = starts_now,
                .container = { .rootfd = -1, .statefd = -1 },
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

void launch_finish(struct launch *l)
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

int launch_read_config(const char *bundle, struct spec *ret, struct error *err)
{
        own_mem char *path = NULL;
        own_buf struct buf text = {};
        own_fd int fd = -1;
        int r;

        if (asprintf(&path, "%s/config.json", bundle) < 0)
                return error_set(err, ENOMEM, "out of memory");
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "open %s", path);
        r = fd_read_all(fd, MAX_CONFIG, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        r = spec_parse(buf_str(&text), text.len, ret, err);
        return r < 0 ? error_wrap(err, "%s", path) : 0;
}

static int read_content(const struct container_bundle *b, struct spec *ret, struct error *err)
{
        int r = spec_parse(b->config, b->len, ret, err);

        return r < 0 ? error_wrap(err, "configuration") : 0;
}

/* Its place is where it will be attached (rootfs.c). */
static int take_root(struct launch *l, struct error *err)
{
        l->rootfs_tree = fcntl(l->options->content->root, F_DUPFD_CLOEXEC, 0);
        if (l->rootfs_tree < 0)
                return error_errno(err, errno, "root filesystem");
        l->container.rootfs = strdup("/");
        return l->container.rootfs ? 0 : error_set(err, ENOMEM, "out of memory");
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

/* Some write where a mount is on the host, with the path of the root filesystem. */
static void strip_root(struct launch *l)
{
        const char *root = l->container.rootfs;
        size_t n = strlen(root);

        for (size_t i = 0; i < l->spec.n_mounts; i++) {
                const char *to = l->spec.mounts[i].destination;

                if (n > 1 && strncmp(to, root, n) == 0 && (!to[n] || to[n] == '/'))
                        l->spec.mounts[i].destination = to[n] ? to + n : "/";
        }
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
        if (mkdirat(l->container.rootfd, CONTAINER_FILTERS, 0700) < 0 && errno != EEXIST)
                return -1;
        return openat(l->container.rootfd, CONTAINER_FILTERS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int launch_prepare_seccomp(struct launch *l, struct error *err)
{
        char name[STATE_NAME_MAX];
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
        state_file_name(l->container.id, STATE_SECCOMP, name);
        return seccomp_program_save(&l->seccomp, l->container.rootfd, name, err);
}

int container_given(const struct container_bundle *b, const char *path)
{
        const char *number = path ? path + strlen(CONTAINER_GIVEN) : NULL;
        uint32_t n;

        if (!b || !b->n_given || !path || strncmp(path, CONTAINER_GIVEN, strlen(CONTAINER_GIVEN)) != 0)
                return -1;
        return parse_u32(number, 10, &n) < 0 || n >= b->n_given ? -EINVAL : b->given[n];
}

int launch_read(struct launch *l, struct error *err)
{
        int r;

        r = container_check_id(l->options->id, err);
        if (r == 0)
                r = l->options->content ? read_content(l->options->content, &l->spec, err)
                                        : launch_read_config(l->options->bundle, &l->spec, err);
        if (r == 0)
                r = check_spec(&l->spec, err);
        if (r == 0)
                r = activation_add_environment(&l->activation, &l->spec, err);
        if (r == 0)
                r = check_terminal(l, err);
        if (r == 0)
                r = l->options->content ? take_root(l, err) : find_rootfs(l, err);
        if (r == 0)
                strip_root(l);
        if (r == 0)
                r = namespaces_plan(&l->spec, l->options->content, &l->ns, err);
        return r;
}

int launch_record(struct launch *l, struct error *err)
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

static int send_tickets(const struct launch *l, struct error *err)
{
        int fds[CGROUP_MAX_HIERARCHIES], r;
        int32_t mask;
        size_t n = cgroup_tickets(&l->container.cgroup, fds, &mask);

        r = message_send_fds(l->sync_runtime, MESSAGE_CGROUPS, mask, fds, n);
        /* If init failed meanwhile, why is what we read next. */
        return r < 0 && r != -EPIPE ? error_errno(err, -r, "talk to the container's first process") : 0;
}

/* A v1 cpuset takes no process while it is empty. */
static bool joins_by_limits(const struct launch *l)
{
        const struct spec_cpu *c = &l->spec.linux_.resources.cpu;

        return c->cpus || c->mems;
}

int launch_make_cgroups(struct launch *l, struct error *err)
{
        struct cgroup *cg = &l->container.cgroup;
        int r = cg->systemd ? cgroup_adopt(cg, &l->spec, l->init_pid, err) : cgroup_create(cg, &l->spec, err);

        l->has_cgroups = r == 0;
        if (r == 0 && joins_by_limits(l))
                r = cgroup_apply(cg, &l->spec.linux_.resources, false, err);
        if (r == 0)
                r = send_tickets(l, err);
        return r == 0 && cg->systemd ? state_save_again(l, err) : r;
}

int launch_limit(struct launch *l, struct error *err)
{
        int r = joins_by_limits(l) ? 0 : cgroup_apply(&l->container.cgroup, &l->spec.linux_.resources, false, err);

        if (r < 0)
                return r;
        r = message_send(l->sync_runtime, MESSAGE_LIMITED, -1);
        return r < 0 && r != -EPIPE ? error_errno(err, -r, "talk to the container's first process") : 0;
}

int launch_make_sockets(struct launch *l, struct error *err)
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
        l->start_socket = start_socket_listen(&l->container, err);
        return l->start_socket < 0 ? l->start_socket : 0;
}

int launch_record_init(struct launch *l, struct error *err)
{
        char state;
        int r = process_stat(l->init_pid, &l->container.start_time, &state);

        if (r < 0)
                return error_errno(err, -r, "look at process %d", (int)l->init_pid);
        l->container.pid = l->init_pid;
        r = state_save_pid(&l->container, err);
        if (r < 0)
                l->container.pid = 0;
        return r;
}

int launch_run_hooks(struct launch *l, const struct spec_hook_list *hooks, const char *kind,
                     enum container_status status, const char *cwd, struct error *err)
{
        own_buf struct buf state = {};
        int r;

        if (!hooks->n)
                return 0;
        r = state_describe(&l->container, &l->spec.annotations, status, l->init_pid, &state, err);
        return r < 0 ? r : hooks_run(hooks, kind, cwd, buf_str(&state), err);
}

void launch_undo(struct launch *l)
{
        struct container *c = &l->container;
        struct error ignored;
        bool own;

        if (l->init_pidfd >= 0) {
                process_signal(l->init_pidfd, SIGKILL);
                process_wait(l->init_pid);
        }
        if (c->statefd < 0)
                return;
        own = state_is_own(c);
        if (own && l->has_cgroups) {
                cgroup_kill(&c->cgroup, SIGKILL, &ignored);
                cgroup_destroy(&c->cgroup, &ignored);
        } else if (own || !c->pid) {
                /* Deleted before init was known, they may have been made after that. */
                cgroup_give_back(&c->cgroup);
        }
        if (own)
                state_remove(c, &ignored);
}

int launch_end(struct launch *l, struct error *err)
{
        struct container *c = &l->container;
        int r;

        /* Who deleted it has done all this. */
        if (!state_is_own(c))
                return 0;
        /* The poststop hooks come from the state as it was written: one way for run and delete. */
        if (l->spec.hooks.poststop.n) {
                own_container struct container again = { .rootfd = -1, .statefd = -1 };

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
