/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/delegate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/mount.h>
#include <unistd.h>

#include "container/cgroup/hierarchy.h"
#include "container/cgroup/payload.h"
#include "sys/fd.h"

enum { MAX_FILES = 4096 };

static bool has_writable_cgroups(const struct spec *spec)
{
        for (size_t i = 0; i < spec->n_mounts; i++) {
                const struct spec_mount *m = &spec->mounts[i];

                if (m->type && (strcmp(m->type, "cgroup") == 0 || strcmp(m->type, "cgroup2") == 0) && m->destination &&
                    strcmp(m->destination, "/sys/fs/cgroup") == 0)
                        return !(m->attr_set & MOUNT_ATTR_RDONLY);
        }
        return false;
}

/* The user of the container's process as the host knows it. False: it has no such user. */
static bool host_uid(const struct spec *spec, uid_t *ret)
{
        const struct id_mappings *map = &spec->linux_.uid_mappings;
        uint32_t uid = spec->process ? spec->process->uid : 0;

        if (!map->n) {
                *ret = uid;
                return !spec_namespace(spec, CLONE_NEWUSER);
        }
        for (size_t i = 0; i < map->n; i++) {
                const struct id_mapping *m = &map->v[i];

                if (uid >= m->container_id && uid - m->container_id < m->size) {
                        *ret = m->host_id + (uid - m->container_id);
                        return true;
                }
        }
        return false;
}

/* The kernel tells which files may be handed out (Linux 4.15); before, these three are all. */
static void read_files(char files[MAX_FILES])
{
        if (fd_read_file_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", files, MAX_FILES) <= 0)
                snprintf(files, MAX_FILES, "cgroup.procs\ncgroup.subtree_control\ncgroup.threads");
}

int cgroup_delegate(struct cgroup *cg, const struct spec *spec, struct error *err)
{
        const struct spec_namespace *ns = spec_namespace(spec, CLONE_NEWCGROUP);
        struct cgroup_hierarchy *h = cgroup_v2(cg);
        char files[MAX_FILES], *rest = files, *name;
        int fd = h ? payload_fd(h) : -1;
        uid_t uid;

        if (!cg->unified || !h || fd < 0 || !ns || ns->path || !has_writable_cgroups(spec) || !host_uid(spec, &uid) ||
            uid == geteuid())
                return 0;
        if (fchownat(fd, "", uid, (gid_t)-1, AT_EMPTY_PATH) < 0)
                return error_errno(err, errno, "give cgroup %s%s to user %u", h->root, h->path, uid);
        read_files(files);
        while ((name = strsep(&rest, "\n"))) {
                if (*name && fchownat(fd, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                        return error_errno(err, errno, "give %s of cgroup %s%s to user %u", name, h->root, h->path,
                                           uid);
        }
        return 0;
}
