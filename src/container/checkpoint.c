/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint: criu writes the state of a running container's processes to a directory. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "container/criu.h"
#include "container/external.h"
#include "container/launch.h"
#include "container/lifecycle.h"
#include "sys/fd.h"

static const char yard[] = ".cgroups"; /* in the work directory, which is criu's current one */

struct checkpoint {
        struct container *c;
        const struct checkpoint_options *o;
        struct spec spec;
        struct criu_options criu_options;
        struct buf opts; /* criu's */
        int images;      /* the directory */
        int work;        /* the work directory, when it holds a yard, else -1 */
};

static int make_directory(const char *path, struct error *err)
{
        int r = fd_mkdir_all(path, 0700);

        return r < 0 ? error_errno(err, -r, "create %s", path) : 0;
}

static int open_images(struct checkpoint *cp, struct error *err)
{
        const struct checkpoint_options *o = cp->o;
        struct stat st;
        int r = make_directory(o->image_path, err);

        if (r == 0 && o->work_path)
                r = make_directory(o->work_path, err);
        if (r < 0)
                return r;
        cp->images = open(o->image_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (cp->images < 0)
                return error_errno(err, errno, "open %s", o->image_path);
        if (!o->parent_path)
                return 0;
        if (o->parent_path[0] == '/')
                return error_set(err, EINVAL, "--parent-path %s must be relative to the image path", o->parent_path);
        if (fstatat(cp->images, o->parent_path, &st, 0) < 0)
                return error_errno(err, errno, "invalid --parent-path %s", o->parent_path);
        if (!S_ISDIR(st.st_mode))
                return error_errno(err, ENOTDIR, "invalid --parent-path %s", o->parent_path);
        return 0;
}

static int check(struct container *c, const struct checkpoint_options *o, struct error *err)
{
        enum container_status status;
        int r = lifecycle_status(c, &status, err);

        if (r < 0)
                return r;
        if (status != CONTAINER_RUNNING)
                return error_set(err, EINVAL, "container cannot be checkpointed in %s state",
                                 container_status_name(status));
        if (geteuid() != 0)
                return error_set(err, EPERM, "checkpoint needs root");
        if (o->status_fd >= 0 && (fcntl(o->status_fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
                return error_set(err, EBADF, "--status-fd %d cannot be written to", o->status_fd);
        return 0;
}

/* ---- what is not the container's own ---- */

static void add_mount(struct checkpoint *cp, int root, const char *destination)
{
        char path[PATH_MAX];
        struct stat st;

        if (external_resolve(root, destination, path, &st) == 0)
                criu_add_pair(&cp->opts, CRIU_EXT_MNT, path, path);
}

/* Masked files are binds of the host's /dev/null; masked directories have a filesystem of the container's own. */
static void add_mask(struct checkpoint *cp, int root, const char *masked)
{
        char path[PATH_MAX];
        struct stat st;

        if (external_resolve(root, masked, path, &st) == 0 && !S_ISDIR(st.st_mode))
                criu_add_pair(&cp->opts, CRIU_EXT_MNT, path, "/dev/null");
}

static int add_mounts(struct checkpoint *cp, struct error *err)
{
        const struct spec *s = &cp->spec;
        bool in_userns = cp->c->namespaces & CLONE_NEWUSER;
        own_fd int root = -1;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/root", (int)cp->c->pid);
        root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return error_errno(err, errno, "open %s", path);
        for (size_t i = 0; i < s->n_mounts; i++) {
                if ((s->mounts[i].bind || s->mounts[i].bind_recursive) && !s->mounts[i].remount)
                        add_mount(cp, root, s->mounts[i].destination);
        }
        for (size_t i = 0; i < s->linux_.masked_paths.n; i++)
                add_mask(cp, root, s->linux_.masked_paths.v[i]);
        external_add_cgroups(cp->c, s, false, &cp->opts);
        /* In a user namespace they are binds of the host's. */
        for (const char *const *device = external_devices; in_userns && *device; device++)
                add_mount(cp, root, *device);
        for (size_t i = 0; in_userns && i < s->linux_.n_devices; i++)
                add_mount(cp, root, s->linux_.devices[i].path);
        return 0;
}

static int add_namespaces(struct checkpoint *cp, struct error *err)
{
        for (size_t i = 0; i < cp->spec.linux_.n_namespaces; i++) {
                const struct spec_namespace *n = &cp->spec.linux_.namespaces[i];
                const char *name = external_namespace(n->type), *type = n->type == CLONE_NEWNET ? "net" : "pid";
                char path[64], text[64];
                struct stat st;

                if (!n->path || !name)
                        continue;
                snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)cp->c->pid, type);
                if (stat(path, &st) < 0)
                        return error_errno(err, errno, "stat %s", path);
                snprintf(text, sizeof text, "%s[%lu]:%s", type, (unsigned long)st.st_ino, name);
                criu_add_text(&cp->opts, CRIU_EXTERNAL, text);
        }
        return 0;
}

/* ---- cgroups ---- */

static void add_freezer(struct checkpoint *cp)
{
        const struct cgroup *cg = &cp->c->cgroup;

        for (size_t i = 0; i < cg->n; i++) {
                const struct cgroup_hierarchy *h = &cg->h[i];
                char path[PATH_MAX];

                if (!h->path || strcmp(h->name, cg->unified ? "" : "freezer") != 0)
                        continue;
                if ((size_t)snprintf(path, sizeof path, "%s%s", h->root, h->path) < sizeof path)
                        criu_add_text(&cp->opts, CRIU_FREEZE_CGROUP, path);
        }
}

/*
 * Without a "yard" criu mounts cgroup2 for itself, and that mount takes the host's own of its options (nsdelegate,
 * memory_recursiveprot): a mount of cgroup2 without options sets those of all (criu issue 3029).
 */
static int make_yard(struct checkpoint *cp, struct error *err)
{
        const struct cgroup *cg = &cp->c->cgroup;
        own_fd int work = -1, dir = -1;

        if (!cg->unified)
                return 0;
        work = open(cp->criu_options.work, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (work < 0 || (mkdirat(work, yard, 0700) < 0 && errno != EEXIST))
                return error_errno(err, errno, "create %s in %s", yard, cp->criu_options.work);
        dir = openat(work, yard, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0 || (symlinkat(cg->h[0].root, dir, "unified") < 0 && errno != EEXIST))
                return error_errno(err, errno, "create %s in %s", yard, cp->criu_options.work);
        cp->work = take_fd(&work);
        criu_add_text(&cp->opts, CRIU_CGROUP_YARD, yard);
        return 0;
}

/* ---- the request ---- */

static void add_user_options(struct checkpoint *cp)
{
        const struct checkpoint_options *o = cp->o;

        criu_add_number(&cp->opts, CRIU_LEAVE_RUNNING, o->leave_running);
        criu_add_number(&cp->opts, CRIU_TCP_SKIP_IN_FLIGHT, o->tcp_skip_in_flight);
        criu_add_number(&cp->opts, CRIU_LINK_REMAP, o->link_remap);
        criu_add_text(&cp->opts, CRIU_PARENT_IMG, o->parent_path);
        if (o->parent_path || o->pre_dump)
                criu_add_number(&cp->opts, CRIU_TRACK_MEM, true);
        if (o->page_server)
                criu_add_numbered(&cp->opts, CRIU_PAGE_SERVER, o->page_server, o->page_server_port);
}

static int build(struct checkpoint *cp, struct error *err)
{
        int r;

        criu_add_common(&cp->opts, &cp->criu_options, cp->o, spec_annotation(&cp->spec, "org.criu.config"));
        criu_add_number(&cp->opts, CRIU_PID, (uint64_t)cp->c->pid);
        criu_add_text(&cp->opts, CRIU_ROOT, cp->c->rootfs);
        add_user_options(cp);
        add_freezer(cp);
        r = add_namespaces(cp, err);
        if (r == 0)
                r = make_yard(cp, err);
        if (r == 0)
                r = external_save_stdio(cp->c, cp->images, &cp->opts, err);
        return r == 0 ? add_mounts(cp, err) : r;
}

static int on_stage(void *userdata, const char *stage, pid_t pid, int fd, struct error *err)
{
        const struct checkpoint *cp = userdata;

        /* That it is not read any more is no reason to give up the dump. */
        if (strcmp(stage, "status-ready") == 0 && cp->o->status_fd >= 0)
                (void)!write(cp->o->status_fd, "", 1);
        return 0;
}

static int run(struct checkpoint *cp, struct criu *criu, struct error *err)
{
        own_fd int ours = -1, theirs = -1;
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "socketpair");
        ours = pair[0];
        theirs = pair[1];
        r = criu_spawn(criu, &cp->criu_options, theirs, err);
        close(take_fd(&theirs));
        if (r == 0)
                r = criu_wait_ready(criu, ours, err);
        return r == 0 ? criu_run(criu, cp->o->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, &cp->opts, err) : r;
}

static int save(struct checkpoint *cp, struct criu *criu, struct error *err)
{
        int r = open_images(cp, err);

        if (r == 0)
                r = launch_read_config(cp->c->bundle, &cp->spec, err);
        if (r == 0)
                r = build(cp, err);
        return r == 0 ? run(cp, criu, err) : r;
}

static void finish(struct checkpoint *cp)
{
        if (cp->work >= 0) {
                fd_remove_tree_at(cp->work, yard);
                close(cp->work);
        }
        if (cp->images >= 0)
                close(cp->images);
        buf_finish(&cp->opts);
        spec_finish(&cp->spec);
}

int container_checkpoint(struct container *c, const struct checkpoint_options *o, struct error *err)
{
        struct checkpoint cp = { .c = c, .o = o, .images = -1, .work = -1 };
        struct error failure;
        struct criu criu;
        int r = check(c, o, err);

        if (r == 0)
                r = criu_find(&criu, "checkpoint", err);
        if (r < 0)
                return r;
        cp.criu_options = (struct criu_options){
                .images = o->image_path,
                .work = o->work_path ? o->work_path : o->image_path,
                .log = "dump.log",
                .cgroup_fd = -1,
                .notify = on_stage,
                .userdata = &cp,
        };
        r = save(&cp, &criu, err);
        criu_finish(&criu);
        finish(&cp);
        if (r < 0 || o->leave_running || o->pre_dump)
                return r;
        /* The images are complete: what cannot be cleaned up does not make them useless. */
        if (container_delete(c, true, &failure) < 0)
                c->warning = failure;
        return 0;
}
