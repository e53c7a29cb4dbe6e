/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/image_spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "instance/capability_flags.h"
#include "instance/flag_value.h"
#include "instance/image_command.h"
#include "instance/spec_plan.h"
#include "instance/system_container.h"
#include "oci/runtime_spec.h"

enum { MAX_NAME = 64, MAX_KEY = 512 };

static void plan_finish(struct spec_plan *p)
{
        free(p->command);
        free(p->cgroup);
        devices_finish(&p->devices);
}
#define own_plan __attribute__((cleanup(plan_finish)))

/* --cgroup-parent, else /holt; each instance has a cgroup of its own in it. */
static int find_cgroup(struct spec_plan *p, struct error *err)
{
        const char *parent = p->options->cgroup_parent;

        if (p->from->by_systemd) {
                if (asprintf(&p->cgroup, "user.slice:holt:%s", p->from->id) >= 0)
                        return 0;
                p->cgroup = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        if (!parent && p->from->own_cgroup)
                return 0;
        if (!parent)
                parent = "/holt";
        if (asprintf(&p->cgroup, "%s%s/%s", *parent == '/' ? "" : "/", parent, p->from->id) < 0) {
                p->cgroup = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        return 0;
}

static int check_names(const struct image_spec *s, struct error *err)
{
        const char *domain = s->options->domainname;

        if (domain && strlen(domain) > MAX_NAME)
                return flag_refuse("domainname", domain, "over 64 bytes", err);
        return 0;
}

static int make_plan(const struct image_spec *s, struct spec_plan *p, struct error *err)
{
        int r;

        p->from = s;
        p->options = s->options;
        r = check_names(s, err);
        if (r == 0)
                r = image_command(s->image, s->options, &p->command, err);
        if (r == 0)
                r = system_container_is(s->options, p->command[0], &p->is_system, err);
        if (r == 0)
                r = security_flags_read(s->options, &p->security, err);
        if (r == 0)
                r = capability_flags_read(s->options, &p->capabilities, err);
        if (r == 0)
                r = namespace_flags_read(s->options, &p->namespaces, err);
        if (r == 0)
                r = device_flags_read(s->options, s->own_cgroup, s->in_guest, &p->devices, err);
        return r == 0 ? find_cgroup(p, err) : r;
}

/* What divides its cgroup writes there: its limits stand above. */
static int write_annotations(const struct spec_plan *p, struct json_writer *w, struct error *err)
{
        const char *value;
        char key[MAX_KEY];
        int r = 0;

        if (!p->options->annotation && !p->is_system)
                return 0;
        json_begin_object(w, "annotations");
        if (p->is_system)
                json_write_string(w, SPEC_CGROUP_PAYLOAD, "true");
        for (const char *const *l = p->options->annotation; r == 0 && l && *l; l++) {
                r = flag_pair("annotation", *l, key, sizeof key, &value, err);
                if (r == 0)
                        json_write_string(w, key, value);
        }
        json_end_object(w);
        return r;
}

static void write_names(const struct spec_plan *p, struct json_writer *w)
{
        if (p->namespaces.uts == NAMESPACE_HOST)
                return;
        json_write_string(w, "hostname", p->from->hostname);
        if (p->options->domainname)
                json_write_string(w, "domainname", p->options->domainname);
}

int image_spec_write(const struct image_spec *s, struct buf *out, struct error *err)
{
        struct json_writer w = { .out = out };
        own_plan struct spec_plan p = {};
        int r = make_plan(s, &p, err);

        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "ociVersion", OCI_SPEC_VERSION);
        write_names(&p, &w);
        json_begin_object(&w, "root");
        json_write_string(&w, "path", "/");
        json_write_bool(&w, "readonly", s->options->read_only);
        json_end_object(&w);
        r = write_annotations(&p, &w, err);
        if (r == 0)
                r = process_spec_write(&p, &w, err);
        if (r == 0)
                r = mount_spec_write(&p, &w, err);
        if (r == 0)
                r = linux_spec_write(&p, &w, err);
        json_end_object(&w);
        return r == 0 && buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : r;
}
