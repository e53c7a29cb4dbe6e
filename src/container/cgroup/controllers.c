/* SPDX-License-Identifier: Apache-2.0 */
#include "container/cgroup/controllers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"
#include "container/cgroup/hierarchy.h"
#include "sys/fd.h"

enum { MAX_NAMES = 256 };

static const struct {
        const char *v2, *v1; /* v1: the name of the hierarchy that does the same */
} names[] = {
        { "cpuset", "cpuset" },   { "cpu", "cpu" },   { "io", "blkio" },  { "memory", "memory" },
        { "hugetlb", "hugetlb" }, { "pids", "pids" }, { "rdma", "rdma" }, { "misc", "misc" },
};

/* What the statistics of every container need; where these are on, nothing has to be enabled. */
static const unsigned usual = CONTROLLER_CPU | CONTROLLER_IO | CONTROLLER_MEMORY | CONTROLLER_PIDS;

static unsigned bit_of(const char *name, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strlen(names[i].v2) == len && memcmp(names[i].v2, name, len) == 0)
                        return 1U << i;
        }
        return 0;
}

static unsigned needed_by_unified(const struct str_map *unified)
{
        unsigned bits = 0;

        for (size_t i = 0; i < unified->n; i++)
                bits |= bit_of(unified->v[i].key, strcspn(unified->v[i].key, "."));
        return bits;
}

static bool has_io(const struct spec_blkio *b)
{
        return b->weight.set || b->n_weight_devices || b->read_bps.n || b->write_bps.n || b->read_iops.n ||
               b->write_iops.n;
}

unsigned controllers_needed(const struct spec_resources *res)
{
        const struct spec_cpu *cpu = &res->cpu;
        const struct spec_memory *mem = &res->memory;
        unsigned bits = needed_by_unified(&res->unified);

        if (cpu->cpus || cpu->mems)
                bits |= CONTROLLER_CPUSET;
        if (cpu->shares.set || cpu->quota.set || cpu->period.set || cpu->burst.set || cpu->idle.set)
                bits |= CONTROLLER_CPU;
        if (has_io(&res->blkio))
                bits |= CONTROLLER_IO;
        if (mem->limit.set || mem->reservation.set || mem->swap.set)
                bits |= CONTROLLER_MEMORY;
        if (res->n_hugepages)
                bits |= CONTROLLER_HUGETLB;
        if (res->pids_limit.set)
                bits |= CONTROLLER_PIDS;
        if (res->n_rdma)
                bits |= CONTROLLER_RDMA;
        return bits;
}

/* The controllers listed in a file of a cgroup2 directory. */
static unsigned read_controllers(int dirfd, const char *path)
{
        char text[MAX_NAMES], *rest = text, *name;
        unsigned bits = 0;

        if (fd_read_file_at(dirfd, path, text, sizeof text) < 0)
                return 0;
        while ((name = strsep(&rest, " ")))
                bits |= bit_of(name, strlen(name));
        return bits;
}

static void add_names(struct buf *out, unsigned bits)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (bits & 1U << i)
                        buf_addf(out, "%s+%s", out->len ? " " : "", names[i].v2);
        }
}

/* Together if possible; else one by one, so that one which is refused does not hold up the others. */
static void enable_at(int dirfd, unsigned wanted)
{
        own_buf struct buf all = {};

        wanted &= read_controllers(dirfd, "cgroup.controllers");
        wanted &= ~read_controllers(dirfd, "cgroup.subtree_control");
        if (!wanted)
                return;
        add_names(&all, wanted);
        if (fd_write_file_at(dirfd, "cgroup.subtree_control", buf_str(&all)) == 0)
                return;
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
                own_buf struct buf one = {};

                add_names(&one, wanted & 1U << i);
                if (one.len)
                        (void)fd_write_file_at(dirfd, "cgroup.subtree_control", buf_str(&one));
        }
}

static unsigned provided_by_v1(struct cgroup *cg)
{
        unsigned bits = 0;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (cgroup_v1(cg, names[i].v1))
                        bits |= 1U << i;
        }
        return bits;
}

void controllers_hand_down(const struct cgroup_hierarchy *h)
{
        enable_at(h->fd, (1U << ARRAY_SIZE(names)) - 1);
}

void controllers_enable(struct cgroup *cg, struct cgroup_hierarchy *h, const struct spec_resources *res)
{
        unsigned needed = controllers_needed(res), wanted = (1U << ARRAY_SIZE(names)) - 1;
        own_fd int dir = -1;
        char path[PATH_MAX], *part;

        if (!cg->unified)
                wanted = needed = needed & ~provided_by_v1(cg);
        else
                needed |= usual;
        if (!wanted || !(needed & ~read_controllers(h->fd, "cgroup.controllers")))
                return;
        if (hierarchy_path(h, NULL, path) < 0)
                return;
        part = path + strlen(h->root);
        do {
                char *end = strchr(part + 1, '/');

                *part = '\0';
                if (dir >= 0)
                        close(take_fd(&dir));
                dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (dir >= 0)
                        enable_at(dir, wanted);
                *part = '/';
                part = end;
        } while (part);
}
