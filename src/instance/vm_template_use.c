/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that go on from what another was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/instance_record.h"
#include "instance/machine_id.h"
#include "instance/protocol.h"
#include "instance/vm_client.h"
#include "instance/vm_job.h"
#include "instance/vm_template.h"
#include "sys/fd.h"
#include "sys/sparse_copy.h"

/* ---- options ---- */

/* What can be had of a program that runs already. */
static bool can_be_given(const char *name)
{
        static const char *const those[] = {
                "add_host",
                "dns",
                "dns_option",
                "dns_search",
                "domainname",
                "health_cmd",
                "health_interval",
                "health_retries",
                "health_start_interval",
                "health_start_period",
                "health_timeout",
                "health_test",
                "hostname",
                "ip",
                "ip6",
                "label",
                "label_file",
                "log_driver",
                "log_opt",
                "mac_address",
                "name",
                "network",
                "network_alias",
                "no_healthcheck",
                "publish",
                "publish_all",
                "restart",
                "rm",
                "stop_signal",
                "stop_timeout",
                "vm",
        };

        for (size_t k = 0; k < ARRAY_SIZE(those); k++)
                if (strcmp(those[k], name) == 0)
                        return true;
        return false;
}

static int refuse(const char *name, struct error *err)
{
        char flag[64];
        size_t n = 0;

        for (; name[n] && n < sizeof(flag) - 1; n++)
                flag[n] = (char)(name[n] == '_' ? '-' : name[n]);
        flag[n] = '\0';
        return error_set(err, EINVAL,
                         strcmp(flag, "command") == 0
                                 ? "a program runs in the template already: it takes no %s"
                                 : "--%s: a program runs in the template already, and has what it was started with",
                         flag);
}

static int parse(const struct instance_options *o, struct json_object **ret, struct error *err)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };

        instance_options_write(o, &w, NULL);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        return json_parse(text.data, text.len, ret, err);
}

static bool has(struct json_object *o, const char *key)
{
        for (size_t k = 0; k < json_member_count(o); k++)
                if (strcmp(json_key(json_member_at(o, k)), key) == 0)
                        return true;
        return false;
}

/* A flag that it has is there when it is set. */
static bool is_flag_of(struct json_object *base, const char *key)
{
        const struct option_member *m = instance_option_find(key);

        return m && m->kind == OPTION_KIND_FLAG && has(base, key);
}

static int join(const struct instance_options *base, const struct instance_options *given, struct instance_options *ret,
                struct error *err)
{
        own_json struct json_object *a = NULL, *b = NULL, *both = NULL;
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r = parse(base, &a, err);

        if (r == 0)
                r = parse(given, &b, err);
        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        for (size_t k = 0; k < json_member_count(a); k++)
                if (!has(b, json_key(json_member_at(a, k))))
                        json_write_value(&w, json_key(json_member_at(a, k)), json_member_at(a, k));
        for (size_t k = 0; k < json_member_count(b); k++) {
                const char *key = json_key(json_member_at(b, k));

                if (!can_be_given(key) && !is_flag_of(a, key))
                        return refuse(key, err);
                json_write_value(&w, key, json_member_at(b, k));
        }
        json_end_object(&w);
        if (buf_failed(&text))
                return error_set(err, ENOMEM, "out of memory");
        r = json_parse(text.data, text.len, &both, err);
        return r == 0 ? instance_options_read(both, ret, err) : r;
}

/* ---- the instance ---- */

static int copy_disk(const struct instance *i, int from, struct error *err)
{
        own_fd int upper = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -1;
        struct stat st;
        int r;

        to = upper < 0 ? -1 : openat(upper, VM_DISK, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (from < 0 || to < 0 || fstat(from, &st) < 0)
                return error_errno(err, errno, "copy the disk of the machine");
        r = sparse_copy(from, to, st.st_size);
        return r < 0 ? error_errno(err, -r, "copy the disk of the machine") : 0;
}

static int give_disk(const struct vm_template *t, const struct instance *i, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int fd = -1;

        if (asprintf(&path, "%s/disk", t->path) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return copy_disk(i, fd, err);
}

static int create(struct engine *e, const struct digest *id, const char *image_name, struct instance_options *options,
                  struct instance **ret, struct error *err)
{
        own_mem struct image_info *image = NULL;
        struct store *store;
        int r = engine_store(e, &store, err);

        if (r == 0)
                r = store_image_find(store, id->text, &image, err);
        return r == 0 ? instance_create(e, image, image_name, options, ret, err) : r;
}

int vm_template_instance(struct engine *e, const char *name, struct instance_options *given, struct instance **ret,
                         struct error *err)
{
        own_vm_template struct vm_template t = {};
        own_instance_options struct instance_options options = {};
        own_instance struct instance *i = NULL;
        struct error ignored;
        int r = vm_template_find(e, name, &t, err);

        if (r == 0)
                r = join(&t.options, given, &options, err);
        if (r == 0)
                r = create(e, &t.image, t.image_name, &options, &i, err);
        if (r < 0 || !i)
                return r;
        r = give_disk(&t, i, err);
        if (r == 0)
                r = machine_id_note(i, err);
        if (r == 0 && symlinkat(t.path, i->fd, VM_COPY) < 0)
                r = error_errno(err, errno, "note the template of %s", i->name);
        if (r < 0) {
                instance_remove(e, i, true, true, &ignored);
                return r;
        }
        *ret = take_ptr(i);
        return 0;
}

/* The disk is the instance's, what is left is its template. */
static int save_into(struct engine *e, const struct instance *from, const struct instance *i, struct error *err)
{
        own_fd int copy = -1, disk = -1;
        own_mem char *path = NULL;
        int r;

        if (asprintf(&path, "%s/" VM_COPY, i->path) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        if (mkdirat(i->fd, VM_COPY, 0700) < 0)
                return error_errno(err, errno, "make %s", path);
        r = vm_ask(e->run, from->id, PROTOCOL_SAVE, path, strlen(path), err);
        if (r < 0)
                return error_wrap(err, "keep what runs in %s", from->name);
        copy = openat(i->fd, VM_COPY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        disk = openat(i->fd, i->upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (copy < 0 || disk < 0 || renameat(copy, "disk", disk, VM_DISK) < 0)
                return error_errno(err, errno, "take the disk of the machine");
        return 0;
}

int vm_template_clone(struct engine *e, struct instance *from, struct instance_options *options, struct instance **ret,
                      struct error *err)
{
        own_instance struct instance *i = NULL;
        struct error ignored;
        int r = create(e, &from->image, from->image_name, options, &i, err);

        if (r < 0 || !i)
                return r;
        r = save_into(e, from, i, err);
        if (r == 0)
                r = machine_id_note(i, err);
        if (r < 0) {
                instance_remove(e, i, true, true, &ignored);
                return r;
        }
        *ret = take_ptr(i);
        return 0;
}
