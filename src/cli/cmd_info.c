/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/host_facts.h"
#include "cli/human.h"
#include "cli/image_lookup.h"
#include "cli/instance_select.h"
#include "cli/template.h"
#include "instance/vm_pool.h"
#include "registry/registries_conf.h"
#include "vm/accelerator.h"
#include "vm/guest_kernel.h"
#include "vm/machine.h"

struct counts {
        uint64_t all, running, paused, stopped;
};

static int count_one(void *userdata, struct instance *i)
{
        struct counts *c = userdata;

        c->all++;
        if (i->state.status == INSTANCE_PAUSED)
                c->paused++;
        else if (instance_is_running(i))
                c->running++;
        else
                c->stopped++;
        return 0;
}

static void write_instances(struct json_writer *w, const struct counts *c)
{
        json_write_u64(w, "Containers", c->all);
        json_write_u64(w, "ContainersRunning", c->running);
        json_write_u64(w, "ContainersPaused", c->paused);
        json_write_u64(w, "ContainersStopped", c->stopped);
}

static void write_store(struct json_writer *w, const struct engine *e, const struct store_usage *u)
{
        json_write_u64(w, "Images", u->images);
        json_write_u64(w, "Layers", u->layers);
        json_write_u64(w, "LayerBytes", u->layer_bytes);
        json_write_string(w, "Driver", "erofs");
        json_write_string(w, "Root", e->root);
        json_write_string(w, "Run", e->run);
        json_write_string(w, "DockerRootDir", e->root);
}

static void write_texts(struct json_writer *w, const char *key, char *const *texts, size_t n)
{
        json_begin_array(w, key);
        for (size_t i = 0; i < n; i++)
                json_write_string(w, NULL, texts[i]);
        json_end_array(w);
}

/* What virtual machines need: which there is, or what to do. */
static void write_machines(struct json_writer *w, const char *root)
{
        own_guest_kernel struct guest_kernel kernel = {};
        struct error err;
        char why[128];

        json_write_string(w, "Accelerator", accelerator_name(accelerator_probe(why, sizeof why)));
        json_write_string(w, "AcceleratorReason", why);
        json_write_string(w, "MachineProgram", machine_find_qemu(NULL, &err) == 0 ? "QEMU" : err.text);
        json_write_string(w, "GuestKernel", guest_kernel_find(root, &kernel, &err) == 0 ? kernel.release : err.text);
}

/* As it is in effect. A file that cannot be read is told of: machines fail by it. */
static void write_configuration(struct json_writer *w, const struct engine *e)
{
        struct holt_conf c = holt_conf_default();
        struct error err;
        int r = holt_conf_read(&c, &err);

        if (r < 0)
                report_warning(err.text);
        json_write_string(w, "ConfigFile", r > 0 ? "" : holt_conf_path());
        json_write_u64(w, "MachinePool", vm_pool_size(e, &c));
        json_write_u64(w, "MachineTemplateLimit", c.vm_template_limit);
}

static void write_host(struct json_writer *w, const struct host_facts *h)
{
        struct utsname system = {};

        (void)uname(&system);
        json_write_string(w, "CgroupDriver", "cgroupfs");
        json_write_string(w, "CgroupVersion", strcmp(h->cgroup_layout, "unified") == 0 ? "2" : "1");
        json_write_string(w, "CgroupLayout", h->cgroup_layout);
        json_write_string(w, "DefaultRuntime", "holt");
        json_write_string(w, "LoggingDriver", "json-file");
        write_texts(w, "SecurityOptions", (char *const *)h->security, h->n_security);
        json_write_string(w, "KernelVersion", system.release);
        json_write_string(w, "OperatingSystem", h->operating_system);
        json_write_string(w, "OSType", "linux");
        json_write_string(w, "Architecture", system.machine);
        json_write_i64(w, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
        json_write_i64(w, "MemTotal", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
        json_write_string(w, "Name", system.nodename);
        json_write_string(w, "ServerVersion", HOLT_VERSION);
}

/* Where a name without a registry is looked for. A file that cannot be read is told of: pulls fail by it. */
static int write_registries(struct json_writer *w, struct error *err)
{
        own_registries struct registries *registries = NULL;
        own_mem struct reference *found = NULL;
        struct reference any;
        int n = registries_load(&registries, err);

        if (n < 0) {
                report_warning(err->text);
                n = 0;
        } else {
                n = reference_parse("any", &any, err);
                if (n == 0)
                        n = registries_candidates(registries, &any, &found, err);
                if (n < 0)
                        return n;
        }
        json_begin_object(w, "RegistryConfig");
        json_write_string(w, "Files", registries ? registries_files(registries) : "");
        json_begin_array(w, "Search");
        for (int i = 0; i < n; i++)
                json_write_string(w, NULL, found[i].registry);
        json_end_array(w);
        json_end_object(w);
        return 0;
}

static int gather(struct invocation *inv, struct buf *text, struct error *err)
{
        struct json_writer w = { .out = text };
        own_host_facts struct host_facts facts = {};
        own_engine struct engine e = {};
        struct store_usage usage = {};
        struct store *store = NULL;
        struct counts counts = {};
        int r = invocation_engine(inv, &e, err);

        if (r == 0)
                r = engine_store(&e, &store, err);
        if (r == 0)
                r = store_usage(store, &usage, err);
        if (r == 0)
                r = instances(&e, count_one, &counts, err);
        if (r == 0)
                r = host_facts_read("", &facts, err);
        if (r < 0 || !facts.cgroup_layout)
                return r;
        json_begin_object(&w, NULL);
        write_instances(&w, &counts);
        write_store(&w, &e, &usage);
        write_machines(&w, e.root);
        write_configuration(&w, &e);
        write_host(&w, &facts);
        r = write_registries(&w, err);
        json_end_object(&w);
        return r;
}

static const char usual[] =
        "Containers: {{.Containers}}\n Running: {{.ContainersRunning}}\n Paused: {{.ContainersPaused}}\n"
        " Stopped: {{.ContainersStopped}}\nImages: {{.Images}}\nServer Version: {{.ServerVersion}}\n"
        "Storage Driver: {{.Driver}}\n Layers: {{.Layers}}\n Store: {{.Root}}\n Runtime state: {{.Run}}\n"
        "Logging Driver: {{.LoggingDriver}}\nCgroup Driver: {{.CgroupDriver}}\n"
        "Cgroup Version: {{.CgroupVersion}} ({{.CgroupLayout}})\nDefault Runtime: {{.DefaultRuntime}}\n"
        "Security Options: {{join .SecurityOptions \" \"}}\nKernel Version: {{.KernelVersion}}\n"
        "Operating System: {{.OperatingSystem}}\nOSType: {{.OSType}}\nArchitecture: {{.Architecture}}\n"
        "Machines: {{.Accelerator}} ({{.AcceleratorReason}})\n Run by: {{.MachineProgram}}\n"
        " Guest Kernel: {{.GuestKernel}}\n Waiting: at most {{.MachinePool}} of a kind\nCPUs: {{.NCPU}}\nTotal "
        "Memory: ";

/* What a template cannot do: a size for people, and what may be empty. */
static void add_rest(struct json_object *json, struct buf *out)
{
        struct json_object *config, *search;
        char size[HUMAN_SIZE_MAX];
        uint64_t memory = 0, limit = 0;
        const char *file = "";

        (void)json_get_u64(json, "MemTotal", &memory, NULL);
        human_binary_size(memory, size);
        buf_addf(out, "%s\n", size);
        (void)json_get_u64(json, "MachineTemplateLimit", &limit, NULL);
        (void)json_get_string(json, "ConfigFile", &file, NULL);
        human_binary_size(limit, size);
        buf_addf(out, "Machine Templates: at most %s\nConfiguration: %s\nRegistries:", size,
                 *file ? file : "no holt.conf");
        if (json_get_object(json, "RegistryConfig", &config, NULL) > 0 &&
            json_get_array(config, "Search", &search, NULL) > 0)
                for (size_t i = 0; i < json_array_size(search); i++)
                        buf_addf(out, " %s", json_string_value(json_array_item(search, i)));
        buf_add_str(out, "\nWhat is missing here: holt doctor");
}

int cmd_info(struct invocation *inv, struct error *err)
{
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_json struct json_object *json = NULL;
        own_template struct template *t = NULL;
        own_buf struct buf text = {}, out = {};
        int r = template_parse(!format ? usual : strcmp(format, "json") == 0 ? "{{json .}}" : format, &t, err);

        if (r == 0)
                r = gather(inv, &text, err);
        if (r == 0)
                r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0)
                r = template_execute(t, json, &out, err);
        if (r < 0)
                return r;
        if (!format)
                add_rest(json, &out);
        buf_add_str(&out, "\n");
        return output_write(&out, err);
}
