/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The making of a template: a guest without anything of an instance boots, its agent does what it would do later, and
 * waits; then QEMU saves the state of the devices. The memory was ours all the time.
 */
#include "vm/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "monitor/monitor.h"
#include "vm/tsc.h"

#define SHARED_AND_EVENTS                                                         \
        "{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}," \
        "{\"capability\":\"events\",\"state\":true}]}"

enum { ANSWER_MS = 30000 };

/* NULL while it goes on. */
struct outcome {
        char status[16];
};

static int note_event(const char *name, struct json_object *data, void *userdata)
{
        struct outcome *o = userdata;
        const char *status = "";
        struct error ignored;

        if (strcmp(name, "MIGRATION") != 0 || !data || json_get_string(data, "status", &status, &ignored) <= 0)
                return 0;
        snprintf(o->status, sizeof(o->status), "%s", status);
        return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0;
}

static int save(struct monitor *m, int state, struct error *err)
{
        struct outcome outcome = {};
        int r = qmp_execute(&m->qmp, "migrate-set-capabilities", SHARED_AND_EVENTS, ANSWER_MS, NULL, err);

        if (r == 0)
                r = qmp_send_descriptor(&m->qmp, "state", state, err);
        if (r == 0)
                r = qmp_answer(&m->qmp, "getfd", ANSWER_MS, NULL, err);
        m->qmp.event = note_event;
        m->qmp.userdata = &outcome;
        if (r == 0)
                r = qmp_execute(&m->qmp, "migrate", "{\"uri\":\"fd:state\"}", ANSWER_MS, NULL, err);
        if (r == 0 && !outcome.status[0])
                r = qmp_wait(&m->qmp, ANSWER_MS, err);
        while (r == 0 && strcmp(outcome.status, "completed") != 0 && strcmp(outcome.status, "failed") != 0)
                r = qmp_wait(&m->qmp, ANSWER_MS, err);
        m->qmp.event = NULL;
        if (r == 0 && strcmp(outcome.status, "completed") != 0)
                r = error_set(err, EIO, "QEMU could not save the guest");
        return r;
}

static int make_memory(const struct monitor *m, struct error *err)
{
        own_fd int fd = memfd_create("memory", MFD_CLOEXEC);

        if (fd < 0 || ftruncate(fd, (off_t)m->job.memory_mib << 20) < 0)
                return error_errno(err, errno, "make the memory of a guest");
        return take_fd(&fd);
}

static int boot(struct monitor *m, int memory, struct template_manifest *manifest, struct error *err)
{
        const struct qemu_start how = { .is_template = true, .memory = memory };
        int r = monitor_start_qemu(m, &how, err);

        if (r == 0)
                r = qmp_begin(&m->qmp, err);
        if (r == 0)
                r = monitor_greet_qemu(m, memory, manifest->qemu, sizeof(manifest->qemu), err);
        if (r == 0)
                r = monitor_await_agent(m, err);
        return r == 0 ? monitor_ask_agent(m, PROTOCOL_PREPARE, err) : r;
}

void monitor_describe_template(const struct monitor *m, const struct tsc_sample *since,
                               struct template_manifest *manifest)
{
        const char *kernel = strstr(m->job.kernel, "vmlinuz-"), *boot = strrchr(m->job.initramfs, '/');
        struct machine machine;
        struct error ignored;

        monitor_describe_machine(m, &machine);
        manifest->cpus = m->job.cpus;
        manifest->memory_mib = m->job.memory_mib;
        manifest->tsc_khz = machine.accelerator == ACCELERATOR_TCG ? tsc_khz_since(since) : 0;
        snprintf(manifest->accelerator, sizeof(manifest->accelerator), "%s", accelerator_name(machine.accelerator));
        snprintf(manifest->kernel, sizeof(manifest->kernel), "%s", kernel ? kernel + strlen("vmlinuz-") : "");
        template_origin(boot ? boot + 1 : m->job.initramfs, manifest->origin, &ignored);
}

static int make(struct monitor *m, struct template_making *making, const char *key, struct error *err)
{
        struct template_manifest manifest = {};
        struct tsc_sample since = tsc_now();
        own_fd int memory = make_memory(m, err);
        int r = memory < 0 ? memory : boot(m, memory, &manifest, err);

        if (r == 0)
                r = save(m, making->state, err);
        monitor_forget_qemu(m);
        if (r < 0)
                return r;
        monitor_describe_template(m, &since, &manifest);
        return template_commit(making, key, memory, &manifest, m->job.template_limit, err);
}

int monitor_make_template(struct monitor *m, const char *key, int64_t refused, struct error *err)
{
        own_template_making struct template_making making = { -1, -1, -1, -1 };
        int r = template_begin(m->job.templates, key, refused, &making, err);

        if (r == 0)
                r = make(m, &making, key, err);
        return r < 0 ? r : 0;
}
