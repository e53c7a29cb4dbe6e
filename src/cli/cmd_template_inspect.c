/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "base/rfc3339.h"
#include "cli/inspect.h"
#include "cli/instance_select.h"
#include "instance/vm_template.h"

static int write_one(void *engine, const char *name, struct json_writer *w, struct error *err)
{
        own_vm_template struct vm_template t = {};
        char created[RFC3339_MAX];
        int r = vm_template_find(engine, name, &t, err);

        if (r < 0)
                return r;
        rfc3339_write(t.made * 1000000000, created);
        json_begin_object(w, NULL);
        json_write_string(w, "Name", t.name);
        json_write_string(w, "Instance", t.original);
        json_write_string(w, "Image", t.image_name);
        json_write_string(w, "ImageID", t.image.text);
        json_write_string(w, "CreatedAt", created);
        json_write_u64(w, "CPUs", t.cpus);
        json_write_u64(w, "Memory", (uint64_t)t.memory_mib << 20);
        json_write_string(w, "Kernel", t.kernel);
        json_write_string(w, "QEMU", t.qemu);
        json_write_string(w, "Accelerator", t.accelerator);
        json_write_u64(w, "MemorySize", t.memory);
        json_write_u64(w, "DiskSize", t.disk);
        json_write_string(w, "Path", t.path);
        instance_options_write(&t.options, w, "Options");
        json_end_object(w);
        return 0;
}

int cmd_template_inspect(struct invocation *inv, struct error *err)
{
        own_engine struct engine e = {};
        int r = invocation_engine(inv, &e, err);

        return r == 0 ? inspect_operands(inv, write_one, &e, err) : r;
}
