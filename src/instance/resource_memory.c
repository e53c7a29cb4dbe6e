/* SPDX-License-Identifier: Apache-2.0 */
/* --memory and its kin, checked as Docker does (moby: daemon/daemon_unix.go). */
#include <errno.h>
#include <stdint.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "instance/flag_value.h"
#include "instance/resource_flags.h"

enum {
        LEAST = 6 << 20, /* below, not even the container's start has room */
        /* What is left to the host: a sixteenth, but between these. */
        LEAST_RESERVE = 128 << 20,
        MOST_RESERVE = 1 << 30,
};

struct memory {
        int64_t limit, swap, reservation, swappiness; /* 0: not given; swap: with memory; -1: none */
        bool has_swappiness;
};

static int read_size(const char *flag, const char *value, int64_t *ret, struct error *err)
{
        int r;

        *ret = 0;
        if (!value)
                return 0;
        r = flag_size(flag, value, ret, err);
        if (r == 0 && *ret > 0 && *ret < LEAST)
                return flag_refuse(flag, value, "6m is the least", err);
        return r;
}

static int64_t default_limit(void)
{
        uint64_t all, reserve;
        struct sysinfo i;

        if (sysinfo(&i) < 0)
                return -1;
        all = (uint64_t)i.totalram * i.mem_unit;
        reserve = all / 16 < LEAST_RESERVE ? LEAST_RESERVE : all / 16 > MOST_RESERVE ? MOST_RESERVE : all / 16;
        return all > 2 * reserve ? (int64_t)(all - reserve) : -1;
}

/* A kernel that does not count swap limits none (v1 without swapaccount=1). */
static bool counts_swap(void)
{
        return resource_is_unified() || access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0;
}

static int read_swap(const struct instance_options *o, struct memory *m, void (*warn)(const char *text),
                     struct error *err)
{
        int r = o->memory_swap ? flag_size("memory-swap", o->memory_swap, &m->swap, err) : 0;

        if (r < 0)
                return r;
        if (m->swap > 0 && m->limit <= 0)
                return flag_refuse("memory-swap", o->memory_swap, "needs --memory, which it includes", err);
        if (m->swap > 0 && m->swap < m->limit)
                return flag_refuse("memory-swap", o->memory_swap, "must not be below --memory, which it includes", err);
        if (m->limit <= 0 && m->swap == 0)
                return 0;
        if (!counts_swap()) {
                if (m->swap)
                        warn("this kernel does not count swap (swapaccount=1): it is not limited");
                m->swap = 0;
                return 0;
        }
        /* As much swap again, as Docker has it. */
        if (m->swap == 0)
                m->swap = m->limit > INT64_MAX / 2 ? -1 : m->limit * 2;
        return 0;
}

static int read_swappiness(const struct instance_options *o, struct memory *m, void (*warn)(const char *text),
                           struct error *err)
{
        int r;

        if (!o->memory_swappiness)
                return 0;
        r = flag_i64("memory-swappiness", o->memory_swappiness, -1, 100, &m->swappiness, err);
        if (r < 0)
                return r;
        m->has_swappiness = m->swappiness >= 0 && !resource_is_unified();
        if (m->swappiness >= 0 && !m->has_swappiness)
                warn("cgroup v2 has no --memory-swappiness: it is left out");
        return 0;
}

static int read_memory(const struct instance_options *o, bool defaults, struct memory *m,
                       void (*warn)(const char *text), struct error *err)
{
        int r = read_size("memory", o->memory, &m->limit, err);

        if (r == 0)
                r = read_size("memory-reservation", o->memory_reservation, &m->reservation, err);
        if (r == 0 && m->limit > 0 && m->reservation > m->limit)
                r = flag_refuse("memory-reservation", o->memory_reservation, "must not be above --memory", err);
        if (r == 0)
                r = read_swap(o, m, warn, err);
        if (r == 0)
                r = read_swappiness(o, m, warn, err);
        if (r == 0 && defaults && !o->memory)
                m->limit = default_limit();
        return r;
}

static bool keeps_killer(const struct instance_options *o, void (*warn)(const char *text))
{
        if (!o->oom_kill_disable)
                return true;
        if (resource_is_unified()) {
                warn("cgroup v2 has no --oom-kill-disable: it is left out");
                return true;
        }
        return false;
}

int resource_flags_write_memory(const struct instance_options *o, bool defaults, void (*warn)(const char *text),
                                struct json_writer *w, struct error *err)
{
        struct memory m = {};
        int r = read_memory(o, defaults, &m, warn, err);

        if (r < 0)
                return r;
        json_begin_object(w, "memory");
        if (m.limit)
                json_write_i64(w, "limit", m.limit);
        if (m.swap)
                json_write_i64(w, "swap", m.swap);
        if (m.reservation)
                json_write_i64(w, "reservation", m.reservation);
        if (m.has_swappiness)
                json_write_i64(w, "swappiness", m.swappiness);
        if (!keeps_killer(o, warn))
                json_write_bool(w, "disableOOMKiller", true);
        json_end_object(w);
        return 0;
}
