/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: a container whose processes criu makes from images.
 *
 * Everything around them is made as for a new container. criu is started in the container's cgroups, so that what
 * criu makes is in them from the beginning, and in a new cgroup namespace of the container's: criu then cannot reach
 * the cgroups of others, and the paths in the images, which hold where the container was, do not matter. The processes
 * become our children, not criu's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/criu.h"
#include "container/external.h"
#include "container/foreground.h"
#include "container/launch.h"
#include "container/pid_file.h"
#include "container/restore_mounts.h"
#include "container/state.h"
#include "sys/fd.h"
#include "sys/mount_tree.h"
#include "sys/process.h"

struct restore {
        struct launch l;
        const struct checkpoint_options *co;
        struct criu criu;
        struct criu_options criu_options;
        struct buf opts; /* criu's */
        int images;      /* the directory */
        int master;      /* of the terminal, in the foreground; else -1 */
};

/* ---- in the process that becomes criu ---- */

/* Namespaces that criu gets as descriptors: numbered as add_namespaces() says. */
static int pass_namespaces(const struct namespaces *ns, struct error *err)
{
        int number = CRIU_FD_FREE;

        for (size_t i = 0; i < ns->n_join; i++) {
                if (external_namespace(ns->join[i].type) && dup2(ns->join[i].fd, number++) < 0)
                        return error_errno(err, errno, "dup2");
        }
        return 0;
}

/*
 * criu reads some of the images when it is root of the container's user namespace and nobody outside: it gets them by
 * a mount on which what is root's belongs to that root. Where that cannot be the directory's permissions decide.
 */
static int map_images(const struct restore *re, int images)
{
        const struct spec_linux *li = &re->l.spec.linux_;
        own_fd int tree = -1, userns = -1;

        /* The link to older images leads out of the directory, where a mount of it ends. */
        if (!(re->l.ns.create & CLONE_NEWUSER) || faccessat(images, "parent", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -1;
        tree = mount_clone(images, "", false);
        userns = namespaces_new_userns(&li->uid_mappings, &li->gid_mappings, NULL);
        if (tree < 0 || userns < 0 || mount_set_idmap(tree, false, userns) < 0)
                return -1;
        return openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_images(const struct restore *re, struct error *err)
{
        own_fd int plain = open(re->co->image_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), mapped = -1;

        if (plain >= 0)
                mapped = map_images(re, plain);
        if (plain < 0 || dup2(mapped >= 0 ? mapped : plain, CRIU_FD_IMAGES) < 0)
                return error_errno(err, errno, "open %s", re->co->image_path);
        return 0;
}

static int prepare_criu(void *userdata, struct error *err)
{
        struct restore *re = userdata;
        int r = init_join_limited(&re->l, err);

        if (r == 0)
                r = restore_enter_mounts(&re->l, err);
        if (r == 0)
                r = open_images(re, err);
        return r == 0 ? pass_namespaces(&re->l.ns, err) : r;
}

/* ---- the stages of criu's work ---- */

/* criu makes the network namespace and leaves it empty. */
static int raise_loopback(pid_t pid, struct error *err)
{
        struct clone_options o = { .cgroup_fd = -1 };
        own_fd int ns = -1;
        char path[64];
        pid_t child;

        snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
        ns = open(path, O_RDONLY | O_CLOEXEC);
        if (ns < 0)
                return error_errno(err, errno, "open %s", path);
        child = process_clone(&o);
        if (child == 0)
                _exit(setns(ns, CLONE_NEWNET) < 0 || init_raise_loopback(err) < 0);
        if (child < 0)
                return error_errno(err, -child, "start a process to enter the network namespace");
        return process_wait(child) == 0 ? 0 : error_set(err, EIO, "cannot bring up the loopback interface");
}

static int at_namespaces(struct restore *re, pid_t pid, struct error *err)
{
        struct launch *l = &re->l;
        int r = 0;

        l->init_pid = pid;
        if (l->ns.create & CLONE_NEWNET)
                r = raise_loopback(pid, err);
        if (r == 0)
                r = launch_run_hooks(l, &l->spec.hooks.prestart, "prestart", CONTAINER_CREATING, l->container.bundle,
                                     err);
        if (r == 0)
                r = launch_run_hooks(l, &l->spec.hooks.create_runtime, "createRuntime", CONTAINER_CREATING,
                                     l->container.bundle, err);
        return r;
}

/* criu gives every restored container a time namespace, so that its clocks do not jump: exec has to enter it. */
static bool has_other_clocks(pid_t pid)
{
        struct stat own, other;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/ns/time", (int)pid);
        return stat("/proc/self/ns/time", &own) == 0 && stat(path, &other) == 0 && own.st_ino != other.st_ino;
}

/* All is restored and stands still. */
static int at_end(struct restore *re, pid_t pid, struct error *err)
{
        struct launch *l = &re->l;
        int r = 0;

        l->init_pid = pid;
        l->init_pidfd = process_open(pid);
        if (l->init_pidfd < 0)
                return error_errno(err, -l->init_pidfd, "open process %d", (int)pid);
        if (!(l->container.namespaces & CLONE_NEWTIME) && has_other_clocks(pid)) {
                l->container.namespaces |= CLONE_NEWTIME;
                r = state_save_again(l, err);
        }
        if (r == 0)
                r = restore_masks(l, pid, err);
        if (r == 0)
                r = launch_record_init(l, err);
        return r == 0 ? pid_file_announce(l->options, pid, l->init_pidfd, err) : r;
}

static int take_terminal(struct restore *re, int fd, struct error *err)
{
        static const char name[] = "/dev/pts/ptmx";
        int r;

        if (re->l.console_socket >= 0) {
                r = fd_send(re->l.console_socket, name, sizeof name - 1, &fd, 1);
                return r < 0 ? error_errno(err, -r, "hand over the terminal") : 0;
        }
        if (re->master < 0)
                re->master = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return re->master < 0 ? error_errno(err, errno, "keep the terminal") : 0;
}

static int on_stage(void *userdata, const char *stage, pid_t pid, int fd, struct error *err)
{
        struct restore *re = userdata;

        if (strcmp(stage, "setup-namespaces") == 0)
                return at_namespaces(re, pid, err);
        if (strcmp(stage, "post-restore") == 0)
                return at_end(re, pid, err);
        if (strcmp(stage, "orphan-pts-master") == 0 && fd >= 0)
                return take_terminal(re, fd, err);
        return 0;
}

/* ---- the request ---- */

static const char *criu_name(int type)
{
        switch (type) {
        case CLONE_NEWUSER:
                return "user";
        case CLONE_NEWIPC:
                return "ipc";
        case CLONE_NEWUTS:
                return "uts";
        case CLONE_NEWTIME:
                return "time";
        default:
                return NULL;
        }
}

static int add_namespaces(struct restore *re, struct error *err)
{
        int number = CRIU_FD_FREE;

        for (size_t i = 0; i < re->l.spec.linux_.n_namespaces; i++) {
                const struct spec_namespace *n = &re->l.spec.linux_.namespaces[i];
                const char *name = external_namespace(n->type);

                if (!n->path)
                        continue;
                if (name)
                        criu_add_numbered(&re->opts, CRIU_INHERIT_FD, name, (uint64_t)number++);
                else if (criu_name(n->type))
                        criu_add_pair(&re->opts, CRIU_JOIN_NS, criu_name(n->type), n->path);
                else
                        return error_set(err, ENOTSUP, "criu cannot restore into the namespace %s", n->path);
        }
        return 0;
}

static void add_cgroup_roots(struct restore *re)
{
        const struct cgroup *cg = &re->l.container.cgroup;

        if (re->l.ns.create & CLONE_NEWCGROUP) {
                criu_add_pair(&re->opts, CRIU_CG_ROOT, NULL, "/");
                return;
        }
        for (size_t i = 0; i < cg->n; i++) {
                if (cg->h[i].path)
                        criu_add_pair(&re->opts, CRIU_CG_ROOT, cg->h[i].name, cg->h[i].path);
        }
}

static int build(struct restore *re, struct error *err)
{
        struct launch *l = &re->l;
        int r;

        criu_add_common(&re->opts, &re->criu_options, re->co, spec_annotation(&l->spec, "org.criu.config"));
        criu_add_number(&re->opts, CRIU_EVASIVE_DEVICES, true);
        criu_add_number(&re->opts, CRIU_RST_SIBLING, true);
        criu_add_text(&re->opts, CRIU_ROOT, l->container.rootfs);
        criu_add_text(&re->opts, CRIU_LSM_PROFILE, re->co->lsm_profile);
        criu_add_text(&re->opts, CRIU_LSM_MOUNT_CONTEXT, re->co->lsm_mount_context);
        external_add_cgroups(&l->container, &l->spec, true, &re->opts);
        add_cgroup_roots(re);
        r = add_namespaces(re, err);
        return r == 0 ? external_restore_stdio(re->images, &re->opts, err) : r;
}

/* ---- all of it ---- */

static int check(struct restore *re, struct error *err)
{
        struct launch *l = &re->l;
        int r = launch_read(l, err);

        if (r < 0)
                return r;
        if (geteuid() != 0)
                return error_set(err, EPERM, "restore needs root");
        if (l->ns.joined & (CLONE_NEWCGROUP | CLONE_NEWNS))
                return error_set(err, ENOTSUP, "criu cannot restore into another's cgroup or mount namespace");
        re->images = open(re->co->image_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (re->images < 0)
                return error_errno(err, errno, "open %s", re->co->image_path);
        if (re->co->work_path && mkdir(re->co->work_path, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "create %s", re->co->work_path);
        return criu_find(&re->criu, "restore", err);
}

static int make_criu(struct restore *re, struct error *err)
{
        struct launch *l = &re->l;
        int r = launch_make_sockets(l, err);

        if (r == 0)
                r = cgroup_create_target(&l->container.cgroup, &l->spec, err);
        if (r < 0)
                return r;
        re->criu_options = (struct criu_options){
                .work = re->co->work_path ? re->co->work_path : re->co->image_path,
                .log = "restore.log",
                .cgroup_fd = cgroup_clone_fd(&l->container.cgroup),
                .prepare = prepare_criu,
                .notify = on_stage,
                .userdata = re,
        };
        r = criu_spawn(&re->criu, &re->criu_options, l->sync_init, err);
        close(take_fd(&l->sync_init));
        if (r < 0)
                return r;
        /* systemd makes its unit around this process, which the restored ones inherit it from. */
        l->init_pid = re->criu.pid;
        r = launch_make_cgroups(l, err);
        l->init_pid = 0;
        if (r == 0)
                r = launch_limit(l, err);
        return r == 0 ? criu_wait_ready(&re->criu, l->sync_runtime, err) : r;
}

static int make_container(struct restore *re, struct error *err)
{
        struct launch *l = &re->l;
        int r = check(re, err);

        if (r == 0)
                r = state_create(&l->container, l->options->root, l->options->id, err);
        if (r == 0)
                r = launch_prepare_seccomp(l, err);
        if (r == 0)
                r = launch_record(l, err);
        if (r == 0)
                r = restore_prepare_mounts(l, &re->opts, err);
        if (r == 0)
                r = make_criu(re, err);
        if (r == 0)
                r = build(re, err);
        return r == 0 ? criu_run(&re->criu, CRIU_RESTORE, &re->opts, err) : r;
}

static void finish(struct restore *re)
{
        if (re->images >= 0)
                close(re->images);
        if (re->master >= 0)
                close(re->master);
        buf_finish(&re->opts);
        launch_finish(&re->l);
}

int container_restore(const struct container_options *o, const struct checkpoint_options *co, int *ret_exit,
                      struct error *err)
{
        struct restore re = { .co = co, .images = -1, .master = -1, .criu = { .pidfd = -1, .socket = -1 } };
        struct launch *l = &re.l;
        int r;

        launch_init(l, o, true);
        r = foreground_prepare(o, err);
        if (r == 0)
                r = make_container(&re, err);
        criu_finish(&re.criu);
        if (r == 0 && !o->detach)
                r = foreground_wait(l->init_pid, l->init_pidfd, re.master, ret_exit, err);
        if (r < 0)
                launch_undo(l);
        else if (!o->detach && !o->keep)
                r = launch_end(l, err);
        finish(&re);
        return r;
}
