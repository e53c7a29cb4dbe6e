/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the directories, and getting into them.
 *
 * This stands on the path of every start, so it asks nothing that it can do without: a directory
 * is made without looking whether it is there, a frozen or populated one can only be met where
 * something existed before, and descriptors of v1 directories are not opened at all.
 */
#include "container/cgroup/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "container/cgroup/controllers.h"
#include "container/cgroup/cpuset.h"
#include "container/cgroup/delegate.h"
#include "container/cgroup/hierarchy.h"
#include "container/cgroup/layout.h"
#include "container/cgroup/payload.h"
#include "sys/fd.h"

/* Makes the missing directories above the last component of `path`. */
static int make_parents(const struct cgroup_hierarchy *h, char *path)
{
        size_t root_len = strlen(h->root);
        char *slash = path + root_len;
        int r = 0;

        while (r == 0 && (slash = strchr(slash + 1, '/'))) {
                *slash = '\0';
                r = hierarchy_mkdir(AT_FDCWD, path);
                if (r == 0 && hierarchy_has(h, "cpuset"))
                        r = cpuset_inherit(path, root_len, true, true, true);
                else if (r == -EEXIST)
                        r = 0;
                *slash = '/';
        }
        return r;
}

static int make_directory(struct cgroup_hierarchy *h)
{
        char path[PATH_MAX];
        int r = hierarchy_path(h, NULL, path);

        if (r < 0)
                return r;
        r = hierarchy_mkdir(AT_FDCWD, path);
        if (r == -ENOENT) {
                r = make_parents(h, path);
                if (r == 0)
                        r = hierarchy_mkdir(AT_FDCWD, path);
        }
        h->fresh = r == 0;
        return r == -EEXIST ? 0 : r;
}

static int make_cpuset(struct cgroup_hierarchy *h, const struct spec *spec)
{
        const struct spec_cpu *cpu = &spec->linux_.resources.cpu;
        char path[PATH_MAX];
        int r = hierarchy_path(h, NULL, path);

        /* What the spec gives is written by cgroup_apply(). */
        return r < 0 ? r : cpuset_inherit(path, strlen(h->root), !cpu->cpus, !cpu->mems, h->fresh);
}

int create_directory(struct cgroup_hierarchy *h, const struct spec *spec)
{
        int r = make_directory(h);

        return r == 0 && hierarchy_has(h, "cpuset") ? make_cpuset(h, spec) : r;
}

static bool is_populated(const struct cgroup_hierarchy *h)
{
        uint64_t populated;
        char pid[2];

        if (hierarchy_is_v2(h))
                return hierarchy_read_key(h, "cgroup.events", "populated", &populated) == 0 && populated;
        return hierarchy_read(h, "cgroup.procs", pid, sizeof pid) > 0;
}

static bool is_frozen(const struct cgroup_hierarchy *h)
{
        uint64_t frozen;
        char state[16];

        if (hierarchy_is_v2(h))
                return hierarchy_read_key(h, "cgroup.events", "frozen", &frozen) == 0 && frozen;
        return hierarchy_has(h, "freezer") && hierarchy_read(h, "freezer.state", state, sizeof state) > 0 &&
               strcmp(state, "THAWED") != 0;
}

/*
 * A process that joins a frozen cgroup stops before it can say so, and we would wait for it for
 * ever. A new directory is frozen only if one above it is, and the root cannot be.
 */
static int check_state(const struct cgroup_hierarchy *h, struct error *err)
{
        bool below_root = strrchr(h->path, '/') == h->path;

        if (h->fresh && below_root)
                return 0;
        if (is_frozen(h))
                return error_set(err, EBUSY, "container's cgroup unexpectedly frozen: %s%s", h->root, h->path);
        if (!h->fresh && is_populated(h))
                return error_set(err, EBUSY, "container's cgroup is not empty: %s%s", h->root, h->path);
        return 0;
}

static int create_one(struct cgroup_hierarchy *h, const struct spec *spec, struct error *err)
{
        int r = create_directory(h, spec);

        if (r < 0)
                return error_errno(err, -r, "make cgroup %s%s", h->root, h->path ? h->path : "");
        r = check_state(h, err);
        if (r < 0)
                return r;
        if (hierarchy_is_v2(h))
                r = hierarchy_open(h);
        else
                r = h->tasks_fd = hierarchy_open_file(h, "tasks", O_WRONLY);
        return r < 0 ? error_errno(err, -r, "open cgroup %s%s", h->root, h->path) : 0;
}

/* Gives back what this call made, so that a failed create leaves nothing. */
static void undo(const struct cgroup *cg, struct cgroup_hierarchy *h)
{
        char path[PATH_MAX];

        /* One that the new process is in already is left to cgroup_give_back(). */
        if (h->fresh)
                payload_remove(cg, h);
        if (h->fresh && hierarchy_path(h, NULL, path) == 0 && rmdir(path) == 0)
                h->fresh = false;
        if (h->tasks_fd >= 0)
                close(take_fd(&h->tasks_fd));
        if (h->payload_fd >= 0)
                close(take_fd(&h->payload_fd));
        if (h->fd >= 0)
                close(take_fd(&h->fd));
}

/*
 * Not root, the right to make a cgroup is not yet the right to get in: the kernel also asks for cgroup.procs
 * of the nearest cgroup above both our own and the new one (cgroup-v2.rst, "Delegation Containment").
 */
static int check_entry(const struct cgroup_hierarchy *h, struct error *err)
{
        struct cgroup own = {};
        struct cgroup_hierarchy *mine;
        char path[PATH_MAX];
        size_t common = 0;
        int r = layout_find(&own, err);

        mine = r == 0 ? cgroup_v2(&own) : NULL;
        for (size_t i = 0; mine; i++) {
                char a = mine->path[i], b = h->path[i];

                if ((a == '/' || a == '\0') && (b == '/' || b == '\0'))
                        common = i;
                if (a != b || a == '\0')
                        break;
        }
        snprintf(path, sizeof path, "%s%.*s/cgroup.procs", h->root, (int)common, h->path);
        if (mine && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
                r = error_errno(err, errno, "move processes by %s", path);
        cgroup_finish(&own);
        return r;
}

static int finish_v2(struct cgroup *cg, struct cgroup_hierarchy *h, const struct spec *spec, struct error *err)
{
        int r = cg->rootless ? check_entry(h, err) : 0;

        if (r < 0)
                return r;
        controllers_enable(cg, h, &spec->linux_.resources);
        r = payload_make(cg, h, 0, err);
        return r < 0 ? r : cgroup_delegate(cg, spec, err);
}

/* Without a cgroupsPath nobody insists on a cgroup: a user may have none that he can write. */
static bool may_do_without(const struct cgroup *cg, const struct spec *spec, int r)
{
        return cg->rootless && is_permission_error(r) && !spec->linux_.cgroups_path;
}

static int create(struct cgroup *cg, struct cgroup_hierarchy *h, const struct spec *spec, struct error *err)
{
        int r = create_one(h, spec, err);

        if (r == 0 && hierarchy_is_v2(h))
                r = finish_v2(cg, h, spec, err);
        if (r == 0 || !may_do_without(cg, spec, r))
                return r;
        undo(cg, h);
        return 0;
}

static int create_some(struct cgroup *cg, const struct spec *spec, bool v2, struct error *err)
{
        for (size_t i = 0; i < cg->n && !cg->systemd; i++) {
                int r = hierarchy_is_v2(&cg->h[i]) == v2 ? create(cg, &cg->h[i], spec, err) : 0;

                if (r < 0) {
                        for (size_t k = 0; k < cg->n; k++)
                                undo(cg, &cg->h[k]);
                        return r;
                }
        }
        return 0;
}

int cgroup_create_target(struct cgroup *cg, const struct spec *spec, struct error *err)
{
        return create_some(cg, spec, true, err);
}

int cgroup_create(struct cgroup *cg, const struct spec *spec, struct error *err)
{
        int r = cgroup_clone_fd(cg) < 0 ? cgroup_create_target(cg, spec, err) : 0;

        return r < 0 ? r : create_some(cg, spec, false, err);
}

size_t cgroup_tickets(const struct cgroup *cg, int *fds, int32_t *ret_mask)
{
        size_t n = 0;

        *ret_mask = 0;
        for (size_t i = 0; i < cg->n; i++) {
                if (cg->h[i].tasks_fd < 0)
                        continue;
                fds[n++] = cg->h[i].tasks_fd;
                *ret_mask |= 1 << i;
        }
        return n;
}

void cgroup_take_tickets(struct cgroup *cg, const int *fds, size_t n, int32_t mask)
{
        size_t used = 0;

        for (size_t i = 0; i < cg->n && used < n; i++) {
                if (mask >> i & 1)
                        cg->h[i].tasks_fd = fds[used++];
        }
}

int cgroup_clone_fd(const struct cgroup *cg)
{
        for (size_t i = 0; i < cg->n; i++) {
                if (hierarchy_is_v2(&cg->h[i]))
                        return payload_fd(&cg->h[i]);
        }
        return -1;
}

static int join_v2(const struct cgroup_hierarchy *h)
{
        return h->fd < 0 ? 0 : fd_write_file_at(payload_fd(h), "cgroup.procs", "0");
}

static int join_v1(const struct cgroup_hierarchy *h)
{
        if (h->tasks_fd < 0)
                return 0;
        return write(h->tasks_fd, "0", 1) < 0 ? -errno : 0;
}

int cgroup_join(const struct cgroup *cg, bool cloned_into, struct error *err)
{
        for (size_t i = 0; i < cg->n; i++) {
                const struct cgroup_hierarchy *h = &cg->h[i];
                int r = 0;

                if (!hierarchy_is_v2(h))
                        r = join_v1(h);
                else if (!cloned_into)
                        r = join_v2(h);
                if (r < 0 && !(cg->rootless && is_permission_error(r)))
                        return error_errno(err, -r, "join cgroup %s%s", h->root, h->path);
        }
        return 0;
}
