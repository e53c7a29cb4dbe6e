/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of a machine that runs (PROTOCOL_UPDATE). The guest is asked first: its agent refuses a limit of memory that is
 * in use. Then its balloon takes what it has to give; it does so as it can, and gives back what a guest in need asks
 * for. The host's limit follows when the balloon has come so far (BALLOON_CHANGE): it is there against QEMU, and what a
 * guest holds back must not have it killed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "monitor/monitor.h"

enum { ANSWER_MS = 5000 };

struct change {
        struct json_object *limits;
        struct json_object *resources; /* the guest's */
        uint32_t cpus, memory_mib;
};

static int read_change(const struct frame *f, struct json_object **ret_json, struct change *ret, struct error *err)
{
        struct json_object *machine, *spec, *linux_;
        int r = json_parse((const char *)f->payload, f->len, ret_json, err);

        if (r < 0)
                return r;
        if (!json_is_object(*ret_json) || json_get_object(*ret_json, "machine", &machine, err) <= 0 ||
            json_get_u32(machine, "cpus", &ret->cpus, err) <= 0 ||
            json_get_u32(machine, "memory", &ret->memory_mib, err) <= 0 ||
            json_get_object(machine, "limits", &ret->limits, err) <= 0 ||
            json_get_object(*ret_json, "spec", &spec, err) <= 0 || json_get_object(spec, "linux", &linux_, err) <= 0 ||
            json_get_object(linux_, "resources", &ret->resources, err) <= 0)
                return error_set(err, EINVAL, "UPDATE makes no sense");
        return 0;
}

static int check(const struct monitor *m, const struct change *c, struct error *err)
{
        if (m->is_paused)
                return error_set(err, EBUSY, "it is paused: its guest can change nothing");
        if (c->memory_mib > m->job.memory_mib)
                return error_set(err, EINVAL,
                                 "--memory: the machine was started with %u MB, and has no more until it is restarted",
                                 m->job.memory_mib);
        if (c->cpus > m->job.cpus)
                return error_set(err, EINVAL,
                                 "--cpus: the machine was started with %u, and has no more until it is restarted",
                                 m->job.cpus);
        return 0;
}

int update_begin(struct monitor *m, const struct frame *f, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_buf struct buf resources = {};
        struct change c = {};
        int r = read_change(f, &json, &c, err);

        if (r == 0)
                r = check(m, &c, err);
        if (r < 0)
                return r;
        json_add_value(&resources, c.resources);
        if (buf_failed(&resources))
                return error_set(err, ENOMEM, "out of memory");
        channel_send(m, PROTOCOL_UPDATE, SESSION_GUEST, resources.data, resources.len);
        json_put(m->update);
        m->update = take_ptr(json);
        return 0;
}

/* ---- when the guest has answered ---- */

static int set_balloon(struct monitor *m, struct error *err)
{
        char arguments[48];

        snprintf(arguments, sizeof(arguments), "{\"value\":%llu}", (unsigned long long)m->memory_wanted << 20);
        return qmp_execute(&m->qmp, "balloon", arguments, ANSWER_MS, NULL, err);
}

static int apply(struct monitor *m, struct error *err)
{
        struct json_object *machine = NULL;
        uint32_t mib = m->memory_wanted;
        int r = json_get_object(m->update, "machine", &machine, err);

        if (r > 0)
                r = json_get_object(machine, "limits", &m->job.limits, err);
        if (r > 0)
                r = json_get_u32(machine, "memory", &mib, err);
        if (r <= 0)
                return r;
        /* What it grows by it may have at once. */
        m->memory_wanted = mib;
        m->memory_allowed = mib > m->memory_allowed ? mib : m->memory_allowed;
        r = monitor_limit_qemu(m, err);
        return r == 0 ? set_balloon(m, err) : r;
}

int update_end(struct monitor *m, const struct frame *f, struct error *err)
{
        int r;

        if (f->type != PROTOCOL_DONE) {
                json_put(m->update);
                m->update = NULL;
                return 0;
        }
        r = apply(m, err);
        /* Its limits are ours by now. */
        json_put(m->changed);
        m->changed = take_ptr(m->update);
        return r;
}

void update_balloon(struct monitor *m, struct json_object *data)
{
        struct error ignored;
        uint64_t actual = 0;

        if (json_get_u64(data, "actual", &actual, &ignored) <= 0 || m->memory_allowed <= m->memory_wanted ||
            actual > (uint64_t)m->memory_wanted << 20)
                return;
        m->memory_allowed = m->memory_wanted;
        monitor_limit_qemu(m, &ignored);
}
