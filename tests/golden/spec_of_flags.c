/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_of_flags MEMBER[.MEMBER...] [OPTION...] IMAGE [COMMAND...]: what `holt run` with these options would hand to the
 * runtime, as JSON: that part of it; "explained", for people; or "selinux": its labels, where SELinux is. The image is
 * always the same one.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "cli/explain.h"
#include "cli/instance_options.h"
#include "cli/invocation.h"
#include "instance/image_spec.h"
#include "instance/selinux.h"
#include "oci/runtime_spec.h"

static void warn(const char *text)
{
        fprintf(stderr, "warning: %s\n", text);
}

static int write_spec(const struct instance_options *o, const struct selinux_labels *selinux, struct buf *out,
                      struct error *err)
{
        static const char *env[] = { "FROM=image", NULL }, *entry[] = { "/bin/entry", NULL }, *cmd[] = { "cmd", NULL };
        const struct image_config image = {
                .user = "", .working_dir = "/work", .env = { 1, env }, .entrypoint = { 1, entry }, .cmd = { 1, cmd }
        };
        const struct image_user user = {};
        const struct instance_mounts none = {};
        const struct image_spec s = { .image = &image,
                                      .options = o,
                                      .user = &user,
                                      .warn = warn,
                                      .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                                      .hostname = o->hostname ? o->hostname : "0123456789ab",
                                      .files = "/instance",
                                      .planned = &none,
                                      .init = "/holt-init",
                                      .selinux = selinux,
                                      .pid_path = "/proc/7/ns/pid",
                                      .ipc_path = "/proc/7/ns/ipc" };

        return image_spec_write(&s, out, err);
}

/* The member of the member of ... */
static struct json_object *find(struct json_object *root, char *path)
{
        struct json_object *at = root;

        for (char *name; at && (name = strsep(&path, "."));) {
                struct json_object *next = NULL;

                if (json_get_object(at, name, &next, NULL) <= 0 && json_get_array(at, name, &next, NULL) <= 0)
                        return NULL;
                at = next;
        }
        return at;
}

static int print_part(const struct buf *text, char *path, struct error *err)
{
        own_json struct json_object *root = NULL;
        own_buf struct buf out = {};
        struct json_writer w = { .out = &out, .indent = 2 };
        struct json_object *part;
        int r = json_parse(buf_str(text), text->len, &root, err);

        if (r < 0)
                return r;
        part = find(root, path);
        if (!part)
                return error_set(err, ENOENT, "it has no such part");
        json_write_value(&w, NULL, part);
        puts(buf_str(&out));
        return 0;
}

static int print_explained(const struct buf *text, struct error *err)
{
        own_buf struct buf out = {};
        int r = explain_config(text, false, &out, err);

        if (r == 0)
                fputs(buf_str(&out), stdout);
        return r;
}

static int print_labels(const struct buf *text, struct error *err)
{
        own_spec struct spec s = {};
        int r = spec_parse(buf_str(text), text->len, &s, err);

        if (r < 0)
                return r;
        printf("process: %s\n", s.process->selinux_label ? s.process->selinux_label : "-");
        printf("mounts: %s\n", s.linux_.mount_label ? s.linux_.mount_label : "-");
        return 0;
}

static int make_labels(const char *what, const struct instance_options *o, struct selinux_labels *ret,
                       struct error *err)
{
        static const struct selinux_contexts host = { .process = "system_u:system_r:container_t:s0",
                                                      .init = "system_u:system_r:container_init_t:s0",
                                                      .file = "system_u:object_r:container_file_t:s0" };

        *ret = (struct selinux_labels){};
        return strcmp(what, "selinux") == 0 ? selinux_labels_make(&host, o, "s0:c7,c9", ret, err) : 0;
}

static int print(char *what, const struct buf *text, struct error *err)
{
        if (strcmp(what, "explained") == 0)
                return print_explained(text, err);
        return strcmp(what, "selinux") == 0 ? print_labels(text, err) : print_part(text, what, err);
}

static int run(int argc, char **argv, struct error *err)
{
        own_instance_options struct instance_options o = {};
        own_args struct args a = {};
        struct selinux_labels labels;
        own_buf struct buf text = {};
        int r = args_parse(cli_find(&holt_program, "run"), argc - 2, argv + 2, &a, err);

        if (r == 0)
                r = instance_options_from_args(&a, &o, err);
        if (r == 0)
                r = instance_options_settle(&o, err);
        if (r == 0)
                r = make_labels(argv[1], &o, &labels, err);
        if (r == 0)
                r = write_spec(&o, &labels, &text, err);
        return r < 0 ? r : print(argv[1], &text, err);
}

int main(int argc, char **argv)
{
        struct error err = {};

        if (argc < 3 || run(argc, argv, &err) < 0) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
        }
        return 0;
}
