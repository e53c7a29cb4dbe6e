/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_name.h"
#include "instance/protocol.h"
#include "instance/snapshot.h"
#include "instance/vm_client.h"
#include "instance/vm_job.h"
#include "sys/fd.h"
#include "vm/template.h"
#include "vm/template_pages.h"

#define PART ".part"
#define RECORD "instance"

enum { MAX_RECORD = 1 << 20 };

void vm_template_finish(struct vm_template *t)
{
        free(t->name);
        free(t->path);
        free(t->original);
        free(t->image_name);
        instance_options_finish(&t->options);
        *t = (struct vm_template){};
}

static int no_memory(struct error *err)
{
        return error_set(err, ENOMEM, "out of memory");
}

static int open_templates(const struct engine *e, bool make, struct error *err)
{
        own_mem char *path = NULL;
        int fd, r;

        if (asprintf(&path, "%s/templates", e->root) < 0) {
                path = NULL;
                return no_memory(err);
        }
        r = make ? fd_mkdir_all(path, 0700) : 0;
        fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, r < 0 ? -r : errno, "open %s", path);
        return fd;
}

/* Until it is closed. */
static int lock_templates(const struct engine *e, struct error *err)
{
        own_fd int fd = open_templates(e, true, err);

        while (fd >= 0 && flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_errno(err, errno, "lock the templates");
        return take_fd(&fd);
}

/* ---- reading ---- */

static int read_record(int directory, struct vm_template *t, struct error *err)
{
        own_fd int fd = openat(directory, RECORD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_json struct json_object *json = NULL;
        struct json_object *options = NULL;
        const char *original = "", *image = "", *digest = "";
        own_buf struct buf text = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_RECORD, &text);

        if (r < 0)
                return error_errno(err, -r, "read template %s", t->name);
        r = json_parse(buf_str(&text), text.len, &json, err);
        if (r == 0 &&
            (!json_is_object(json) || json_get_string(json, "instance", &original, err) <= 0 ||
             json_get_string(json, "imageName", &image, err) <= 0 ||
             json_get_string(json, "image", &digest, err) <= 0 ||
             json_get_object(json, "options", &options, err) <= 0 || digest_parse(digest, &t->image, err) < 0))
                r = error_set(err, EBADMSG, "template %s is damaged: remove it", t->name);
        if (r < 0)
                return r;
        t->original = strdup(original);
        t->image_name = strdup(image);
        if (!t->original || !t->image_name)
                return no_memory(err);
        return instance_options_read(options, &t->options, err);
}

/* What several have is divided among them. */
static uint64_t allocated(int directory, const char *name)
{
        struct stat st;

        return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : (uint64_t)st.st_blocks * 512 / st.st_nlink;
}

static uint64_t allocated_memory(int directory, const struct template *t)
{
        uint64_t all = allocated(directory, "memory") + allocated(directory, "state") + allocated(directory, "pages") +
                       allocated(directory, "process");
        char name[TEMPLATE_BASE_NAME];

        for (size_t i = 1; i <= t->n_bases; i++) {
                template_base_name(i, name);
                all += allocated(directory, name);
        }
        return all;
}

static void take_manifest(const struct template_manifest *m, struct vm_template *t)
{
        t->cpus = m->cpus;
        t->memory_mib = m->memory_mib;
        t->made = m->made;
        snprintf(t->qemu, sizeof(t->qemu), "%s", m->qemu);
        snprintf(t->kernel, sizeof(t->kernel), "%s", m->kernel);
        snprintf(t->accelerator, sizeof(t->accelerator), "%s", m->accelerator);
}

static int read_template(struct engine *e, int directory, struct vm_template *t, struct error *err)
{
        own_template struct template files = { .memory = -1, .state = -1 };
        own_mem char *top = NULL;
        int r = read_record(directory, t, err);

        if (asprintf(&top, "%s/templates", e->root) < 0) {
                top = NULL;
                return no_memory(err);
        }
        if (r == 0)
                r = template_open(top, t->name, &files, err);
        take_manifest(&files.manifest, t);
        t->memory = allocated_memory(directory, &files);
        t->disk = allocated(directory, "disk");
        return r;
}

static int find(struct engine *e, int top, const char *name, struct vm_template *ret, struct error *err)
{
        own_vm_template struct vm_template t = { .name = strdup(name) };
        own_fd int directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (directory < 0)
                return errno == ENOENT ? error_set(err, ENOENT, "no such template: %s", name)
                                       : error_errno(err, errno, "open template %s", name);
        if (asprintf(&t.path, "%s/templates/%s", e->root, name) < 0)
                t.path = NULL;
        if (!t.name || !t.path)
                return no_memory(err);
        r = read_template(e, directory, &t, err);
        if (r < 0)
                return error_wrap(err, "template %s", name);
        *ret = t;
        t = (struct vm_template){};
        return 0;
}

int vm_template_find(struct engine *e, const char *name, struct vm_template *ret, struct error *err)
{
        own_fd int top = -1;
        int r = instance_name_check(name, err);

        if (r == 0)
                r = top = open_templates(e, false, err);
        if (r == -ENOENT)
                return error_set(err, ENOENT, "no such template: %s", name);
        return r < 0 ? r : find(e, top, name, ret, err);
}

int vm_template_each(struct engine *e, int (*each)(void *userdata, const struct vm_template *t), void *userdata,
                     struct error *err)
{
        own_fd int top = open_templates(e, false, err);
        struct dirent **names = NULL;
        int n, r = 0;

        if (top < 0)
                return top == -ENOENT ? 0 : top;
        n = scandirat(top, ".", &names, NULL, alphasort);
        for (int k = 0; k < n; k++) {
                own_vm_template struct vm_template t = {};
                struct error why;

                if (r == 0 && names[k]->d_name[0] != '.') {
                        if (find(e, top, names[k]->d_name, &t, &why) < 0)
                                e->warn(why.text);
                        else
                                r = each(userdata, &t);
                }
                free(names[k]);
        }
        free(names);
        return n < 0 ? error_errno(err, errno, "list the templates") : r;
}

/* ---- care ---- */

static int check_one(struct engine *e, int top, const char *name, bool whole, struct error *err)
{
        own_vm_template struct vm_template t = {};
        own_mem char *path = NULL;
        own_fd int directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = find(e, top, name, &t, err);

        if (asprintf(&path, "%s/templates", e->root) < 0) {
                path = NULL;
                return no_memory(err);
        }
        if (r == 0 && faccessat(directory, VM_DISK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return error_set(err, EBADMSG, "template %s: its disk is not there", name);
        if (r < 0)
                return r;
        r = template_check(path, name, whole, err);
        return r < 0 ? error_wrap(err, "template %s", name) : 0;
}

int vm_templates_check(struct engine *e, bool whole, void (*found)(void *userdata, const char *name, const char *why),
                       void *userdata, struct error *err)
{
        own_fd int top = open_templates(e, false, err);
        struct dirent **names = NULL;
        int n;

        if (top < 0)
                return top == -ENOENT ? 0 : top;
        n = scandirat(top, ".", &names, NULL, alphasort);
        for (int k = 0; k < n; k++) {
                struct error why;

                if (names[k]->d_name[0] != '.' && check_one(e, top, names[k]->d_name, whole, &why) < 0 &&
                    faccessat(top, names[k]->d_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        found(userdata, names[k]->d_name, why.text);
                free(names[k]);
        }
        free(names);
        return n < 0 ? error_errno(err, errno, "list the templates") : 0;
}

bool vm_template_is_there(const struct engine *e, const char *name)
{
        struct error ignored;
        own_fd int top = open_templates(e, false, &ignored);

        /* Who makes one has it locked. */
        return top >= 0 && (faccessat(top, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || flock(top, LOCK_SH | LOCK_NB) < 0);
}

void vm_templates_sweep(const struct engine *e)
{
        struct error ignored;
        own_fd int top = open_templates(e, false, &ignored);

        if (top >= 0 && faccessat(top, PART, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && flock(top, LOCK_EX | LOCK_NB) == 0)
                fd_remove_tree_at(top, PART);
}

/* ---- making ---- */

int vm_template_check(const struct instance *i, struct error *err)
{
        if (!i->backend->is_machine)
                return error_set(err, ENOTSUP,
                                 "%s is a container: only of virtual machines (--vm) can what runs be kept", i->name);
        if (!instance_is_running(i))
                return error_set(err, ESRCH, "%s does not run: start it first", i->name);
        return 0;
}

static int write_record(const struct instance *i, int directory, struct error *err)
{
        const struct clone_options plain = {};
        own_instance_options struct instance_options o = {};
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text, .indent = 2 };
        int r = instance_clone_options(i, &plain, &o, err);

        if (r < 0)
                return r;
        json_begin_object(&w, NULL);
        json_write_string(&w, "instance", i->name);
        json_write_string(&w, "image", i->image.text);
        json_write_string(&w, "imageName", i->image_name);
        instance_options_write(&o, &w, "options");
        json_end_object(&w);
        r = buf_failed(&text) ? -ENOMEM : fd_replace_file_at(directory, RECORD, text.data, text.len, 0400);
        return r < 0 ? error_errno(err, -r, "write the template") : 0;
}

/* Into a directory that is empty. */
static int save(struct engine *e, const struct instance *i, const char *path, struct error *err)
{
        int r = vm_ask(e->run, i->id, PROTOCOL_SAVE, path, strlen(path), err);

        return r < 0 ? error_wrap(err, "keep what runs in %s", i->name) : 0;
}

static int make(struct engine *e, struct instance *i, int top, const char *name, struct error *err)
{
        own_mem char *path = NULL;
        own_fd int part = -1;
        int r = fd_remove_tree_at(top, PART);

        if (r == 0 && mkdirat(top, PART, 0700) < 0)
                r = -errno;
        part = r < 0 ? r : openat(top, PART, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (part < 0)
                return error_errno(err, r < 0 ? -r : errno, "make the template");
        if (asprintf(&path, "%s/templates/" PART, e->root) < 0) {
                path = NULL;
                return no_memory(err);
        }
        r = save(e, i, path, err);
        if (r == 0)
                r = write_record(i, part, err);
        if (r == 0 && renameat(top, PART, top, name) < 0)
                r = error_errno(err, errno, "make the template");
        if (r < 0)
                fd_remove_tree_at(top, PART);
        return r;
}

int vm_template_create(struct engine *e, struct instance *i, const char *name, struct error *err)
{
        own_mem char *owner = NULL;
        own_fd int top = -1;
        struct error ignored;
        struct store *store = NULL;
        int r = instance_name_check(name, err);

        if (r == 0)
                r = vm_template_check(i, err);
        if (r == 0)
                r = engine_store(e, &store, err);
        if (r == 0)
                r = top = lock_templates(e, err);
        if (r < 0)
                return r;
        if (faccessat(top, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return error_set(err, EEXIST, "there is a template %s already: remove it, or take another name", name);
        if (asprintf(&owner, VM_TEMPLATE_OWNER "%s", name) < 0) {
                owner = NULL;
                return no_memory(err);
        }
        r = store_image_hold(store, &i->image, owner, err);
        if (r < 0)
                return r;
        r = make(e, i, top, name, err);
        if (r < 0)
                store_image_release(store, owner, &ignored);
        return r;
}

/* ---- removing ---- */

struct search {
        const char *path;
        struct buf *out;
};

static int add_user(void *userdata, struct instance *i)
{
        const struct search *s = userdata;
        char target[PATH_MAX];
        ssize_t n = i->fd < 0 ? -1 : readlinkat(i->fd, VM_COPY, target, sizeof(target) - 1);

        if (n < 0)
                return 0;
        target[n] = '\0';
        if (strcmp(target, s->path) == 0)
                buf_addf(s->out, "%s%s", s->out->len ? ", " : "", i->name);
        return 0;
}

int vm_template_users(struct engine *e, const char *name, struct buf *out, struct error *err)
{
        own_mem char *path = NULL;
        struct search s = { .out = out };

        if (asprintf(&path, "%s/templates/%s", e->root, name) < 0) {
                path = NULL;
                return no_memory(err);
        }
        s.path = path;
        return instances(e, add_user, &s, err);
}

static int remove_locked(struct engine *e, int top, const char *name, struct error *err)
{
        own_mem char *owner = NULL;
        struct store *store;
        int r = fd_remove_tree_at(top, PART);

        if (r == 0 && renameat(top, name, top, PART) < 0)
                r = -errno;
        if (r == -ENOENT)
                return error_set(err, ENOENT, "no such template: %s", name);
        if (r == 0)
                r = fd_remove_tree_at(top, PART);
        if (r < 0)
                return error_errno(err, -r, "remove template %s", name);
        if (asprintf(&owner, VM_TEMPLATE_OWNER "%s", name) < 0) {
                owner = NULL;
                return no_memory(err);
        }
        r = engine_store(e, &store, err);
        return r == 0 ? store_image_release(store, owner, err) : r;
}

int vm_template_remove(struct engine *e, const char *name, struct error *err)
{
        own_buf struct buf users = {};
        own_fd int top = -1;
        int r = instance_name_check(name, err);

        if (r == 0)
                r = top = lock_templates(e, err);
        if (r >= 0)
                r = vm_template_users(e, name, &users, err);
        if (r == 0 && users.len)
                r = error_set(err, EBUSY, "template %s is needed by %s, which was not started yet: start or remove it",
                              name, buf_str(&users));
        return r == 0 ? remove_locked(e, top, name, err) : r;
}
