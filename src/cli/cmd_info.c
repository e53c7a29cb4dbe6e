/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/image_lookup.h"
#include "cli/template.h"

static void write_info(struct json_writer *w, const struct store *s, const struct store_usage *u)
{
        struct utsname system = {};

        (void)uname(&system);
        json_begin_object(w, NULL);
        json_write_string(w, "ServerVersion", HOLT_VERSION);
        json_write_string(w, "Root", store_root(s));
        json_write_string(w, "Run", store_run(s));
        json_write_string(w, "Driver", "erofs");
        json_write_u64(w, "Images", u->images);
        json_write_u64(w, "Layers", u->layers);
        json_write_string(w, "OSType", "linux");
        json_write_string(w, "Architecture", system.machine);
        json_write_string(w, "KernelVersion", system.release);
        json_write_i64(w, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
        json_write_i64(w, "MemTotal", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
        json_write_string(w, "Name", system.nodename);
        json_end_object(w);
}

int cmd_info(struct invocation *inv, struct error *err)
{
        static const char usual[] =
                "Version: {{.ServerVersion}}\nStore: {{.Root}}\nRuntime state: {{.Run}}\n"
                "Storage: {{.Driver}}\nImages: {{.Images}}\nLayers: {{.Layers}}\n"
                "Kernel: {{.KernelVersion}}\nArchitecture: {{.Architecture}}\nCPUs: {{.NCPU}}\nName: {{.Name}}";
        const char *format = args_str(&inv->args, OPTION_FORMAT);
        own_json struct json_object *json = NULL;
        own_template struct template *t = NULL;
        own_store struct store *store = NULL;
        own_buf struct buf text = {}, out = {};
        struct json_writer w = { .out = &text };
        struct store_usage usage = {};
        int r = template_parse(!format ? usual : strcmp(format, "json") == 0 ? "{{json .}}" : format, &t, err);

        if (r == 0)
                r = invocation_store(inv, &store, err);
        if (r == 0)
                r = store_usage(store, &usage, err);
        if (r < 0)
                return r;
        write_info(&w, store, &usage);
        r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0)
                r = template_execute(t, json, &out, err);
        buf_add_str(&out, "\n");
        return r < 0 ? r : output_write(&out, err);
}
