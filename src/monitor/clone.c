/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest from a template: QEMU maps the memory privately and loads the state, and the agent in it, which was waiting
 * to be told who it is when the template was made, is told. Until it has confirmed that, nothing of the instance runs.
 *
 * All that QEMU is told is on its way before it has started. Whatever it does not load is no template: it goes, and a
 * new one is made; the second time, the guest boots. Where QEMU could not do anything, it is tried again.
 */
#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "monitor/pool.h"
#include "vm/template.h"
#include "vm/tsc.h"

enum { TRIES = 2, TSC_TOLERANCE = 200 };

static bool is_resumed(const char *event)
{
        return strcmp(event, "RESUME") == 0;
}

static int note_event(const char *name, struct json_object *data, void *userdata)
{
        return is_resumed(name);
}

#define SHARED "{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}]}"

/* That of a copy has nothing of the memory, nor a word on it. */
static int ask_to_load(struct monitor *m, int state, bool is_copy, struct error *err)
{
        int r = 0;

        if (!is_copy)
                r = qmp_send(&m->qmp, "migrate-set-capabilities", SHARED, err);
        if (r == 0)
                r = qmp_send_descriptor(&m->qmp, "state", state, err);
        return r == 0 ? qmp_send(&m->qmp, "migrate-incoming", "{\"uri\":\"fd:state\"}", err) : r;
}

/* The clone runs when this is done. */
static int await_load(struct monitor *m, const struct template *t, struct error *err)
{
        int r = 0;

        if (!*t->manifest.key)
                r = qmp_answer(&m->qmp, "migrate-set-capabilities", MONITOR_BOOT_MS, NULL, err);
        if (r == 0)
                r = qmp_answer(&m->qmp, "getfd", MONITOR_BOOT_MS, NULL, err);
        m->qmp.event = note_event;
        if (r == 0)
                r = qmp_answer(&m->qmp, "migrate-incoming", MONITOR_BOOT_MS, NULL, err);
        if (r == 0)
                r = qmp_wait(&m->qmp, MONITOR_BOOT_MS, err);
        m->qmp.event = NULL;
        return r;
}

/* A guest under TCG reads the host's counter, and takes it to be as fast as where it booted. */
static int check_tsc(const struct template *t, const struct tsc_sample *since, struct error *err)
{
        uint32_t there = t->manifest.tsc_khz, here = there ? tsc_khz_since(since) : 0;
        uint32_t difference = there > here ? there - here : here - there;

        if (difference > there / TSC_TOLERANCE)
                return error_set(err, EBADMSG, "it is of a host whose counter runs at %u kHz, and ours at %u", there,
                                 here);
        return 0;
}

static int greet(struct monitor *m, const struct template *t, int memory, struct error *err)
{
        char version[TEMPLATE_VERSION_MAX] = "";
        int r = monitor_greet_qemu(m, memory, version, sizeof(version), err);

        if (r == 0 && strcmp(version, t->manifest.qemu) != 0)
                r = error_set(err, EBADMSG, "it is of QEMU %s, and this one is %s", t->manifest.qemu, version);
        return r;
}

int monitor_load_template(struct monitor *m, const struct template *t, struct error *err)
{
        const struct qemu_start how = { .is_clone = true, .memory = t->n_bases ? t->bases[0] : t->memory };
        struct tsc_sample since = tsc_now();
        int r = monitor_start_qemu(m, &how, err);

        if (r == 0)
                r = qmp_begin(&m->qmp, err);
        /* What loads the state looks into the memory. */
        if (r == 0 && !t->n_bases)
                r = ask_to_load(m, t->state, *t->manifest.key, err);
        if (r == 0)
                r = template_check_state(t, err);
        if (r == 0)
                r = greet(m, t, how.memory, err);
        if (r == 0)
                r = monitor_fill_memory(m, t, err);
        if (r == 0 && t->n_bases)
                r = ask_to_load(m, t->state, *t->manifest.key, err);
        if (r == 0)
                r = await_load(m, t, err);
        return r == 0 ? check_tsc(t, &since, err) : r;
}

int monitor_load(struct monitor *m, const char *key, int64_t *refused, struct error *err)
{
        own_template struct template t = { .memory = -1, .state = -1 };
        int r = template_open(m->job.templates, key, &t, err);

        if (r == 0)
                r = monitor_load_template(m, &t, err);
        if (r < 0) {
                /* EIO: QEMU says what it does not like. */
                if (r == -EIO || monitor_is_blamed(m, r))
                        *refused = t.manifest.memory_time;
                monitor_forget_qemu(m);
        }
        return r;
}

int monitor_find_key(const struct monitor *m, char ret[SHA256_HEX], struct error *err)
{
        const char *boot = strrchr(m->job.initramfs, '/');
        struct machine machine;

        monitor_describe_machine(m, &machine);
        return template_key(&machine, boot ? boot + 1 : m->job.initramfs, ret, err);
}

int monitor_clone(struct monitor *m, struct error *err)
{
        const char *key = m->key;
        int64_t refused = 0;
        int r = monitor_find_key(m, m->key, err);

        if (r == 0 && pool_claim(m, key, err) == 0)
                return monitor_start_program(m, err);
        if (r == 0 && monitor_thaw(m, key, err) == 0)
                return monitor_start_program(m, err);
        for (int i = 0; i < TRIES && r == 0; i++) {
                if (monitor_load(m, key, &refused, err) == 0) {
                        template_touch(m->job.templates, key);
                        return monitor_start_program(m, err);
                }
                r = monitor_make_template(m, key, refused, err);
        }
        monitor_forget_qemu(m);
        return monitor_boot(m, err);
}
