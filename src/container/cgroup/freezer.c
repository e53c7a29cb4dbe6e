/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing. Where there is a cgroup2 hierarchy it is done there, also beside v1: it freezes what is forked
 * meanwhile, and what it has frozen can be killed. v1's freezer can do neither.
 */
#include "container/cgroup.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "container/cgroup/hierarchy.h"

enum { TIMEOUT_MS = 10000, FIRST_WAIT_US = 50, LAST_WAIT_US = 10000, THAW_EVERY = 50 };

static void wait_us(unsigned us)
{
        nanosleep(&(struct timespec){ .tv_nsec = us * 1000L }, NULL);
}

static unsigned next_wait(unsigned us)
{
        return us * 2 > LAST_WAIT_US ? LAST_WAIT_US : us * 2;
}

static int set_v2(const struct cgroup_hierarchy *h, bool frozen, struct error *err)
{
        unsigned wait = FIRST_WAIT_US, waited = 0;
        uint64_t state;
        int r = hierarchy_write(h, "cgroup.freeze", frozen ? "1" : "0");

        if (r < 0)
                return error_errno(err, -r, "write cgroup.freeze of %s%s", h->root, h->path ? h->path : "");
        /* Thawing takes effect at once, and below a frozen parent never. */
        while (frozen) {
                r = hierarchy_read_key(h, "cgroup.events", "frozen", &state);
                if (r < 0)
                        return error_errno(err, -r, "read cgroup.events of %s%s", h->root, h->path);
                if (state)
                        return 0;
                if (waited >= TIMEOUT_MS * 1000U)
                        break;
                wait_us(wait);
                waited += wait;
                wait = next_wait(wait);
        }
        if (!frozen)
                return 0;
        (void)hierarchy_write(h, "cgroup.freeze", "0");
        return error_set(err, ETIMEDOUT, "cgroup %s%s does not freeze", h->root, h->path);
}

/*
 * v1 can stay in FREEZING for ever while processes are forked; asking again helps, and thawing for
 * a moment helps more.
 */
static int freeze_v1(const struct cgroup_hierarchy *h, struct error *err)
{
        unsigned wait = FIRST_WAIT_US, waited = 0;
        char state[16];
        int r;

        for (unsigned tries = 1; waited < TIMEOUT_MS * 1000U; tries++) {
                if (tries % THAW_EVERY == 0)
                        (void)hierarchy_write(h, "freezer.state", "THAWED");
                r = hierarchy_write(h, "freezer.state", "FROZEN");
                if (r == 0)
                        r = (int)hierarchy_read(h, "freezer.state", state, sizeof state);
                if (r < 0)
                        return error_errno(err, -r, "freeze %s%s", h->root, h->path ? h->path : "");
                if (strcmp(state, "FROZEN") == 0)
                        return 0;
                wait_us(wait);
                waited += wait;
                wait = next_wait(wait);
        }
        (void)hierarchy_write(h, "freezer.state", "THAWED");
        return error_set(err, ETIMEDOUT, "cgroup %s%s does not freeze", h->root, h->path);
}

static int thaw_v1(const struct cgroup_hierarchy *h, struct error *err)
{
        int r = hierarchy_write(h, "freezer.state", "THAWED");

        return r < 0 ? error_errno(err, -r, "thaw %s%s", h->root, h->path ? h->path : "") : 0;
}

/* The container may have no directory in a hierarchy that is mounted, or none that it may look into (rootless). */
static bool means_none(const struct cgroup *cg, int r)
{
        return r == -ENOENT || r == -ENODEV || (cg->rootless && is_permission_error(r));
}

/* 1, 0 or -errno. */
static int has_file(const struct cgroup *cg, const struct cgroup_hierarchy *h, const char *file, struct error *err)
{
        char c[2];
        int r = h ? (int)hierarchy_read(h, file, c, sizeof c) : -ENOENT;

        if (r >= 0 || means_none(cg, r))
                return r >= 0;
        return error_errno(err, -r, "read %s of %s%s", file, h->root, h->path);
}

int cgroup_freeze(struct cgroup *cg, bool frozen, struct error *err)
{
        struct cgroup_hierarchy *v2 = cgroup_v2(cg), *v1 = cgroup_v1(cg, "freezer");
        int has_v2 = has_file(cg, v2, "cgroup.freeze", err), has_v1, r = 0;

        if (has_v2 < 0)
                return has_v2;
        has_v1 = has_file(cg, v1, "freezer.state", err);
        if (has_v1 < 0)
                return has_v1;
        if (!has_v2 && !has_v1)
                return error_set(err, EOPNOTSUPP, "cannot freeze: the container has no cgroup with a freezer");
        if (has_v2)
                r = set_v2(v2, frozen, err);
        /* Thaw both: another tool may have used the other one. */
        if (r == 0 && has_v1 && !frozen)
                r = thaw_v1(v1, err);
        if (r == 0 && has_v1 && frozen && !has_v2)
                r = freeze_v1(v1, err);
        return r;
}

int cgroup_is_frozen(struct cgroup *cg)
{
        struct cgroup_hierarchy *v2 = cgroup_v2(cg), *v1 = cgroup_v1(cg, "freezer");
        uint64_t self = 0, frozen = 0;
        int r = 0;

        if (v2) {
                r = hierarchy_read_u64(v2, "cgroup.freeze", &self);
                if (r == 0 && self)
                        r = hierarchy_read_key(v2, "cgroup.events", "frozen", &frozen);
                if (r == 0 && frozen)
                        return 1;
        }
        if (means_none(cg, r))
                r = 0;
        /* freezer.self_freezing does not count a frozen parent; it is 1 while freezing too, which takes no time. */
        if (r == 0 && v1) {
                r = hierarchy_read_u64(v1, "freezer.self_freezing", &self);
                if (r == 0 && self)
                        return 1;
        }
        return r == 0 || means_none(cg, r) ? 0 : r;
}
