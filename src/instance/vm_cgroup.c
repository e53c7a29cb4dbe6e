/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "oci/runtime_spec.h"
#include "sys/fd.h"

#define FILE_NAME "cgroup"
enum { MAX_TEXT = 64 << 10 };

int vm_cgroup_note(int place, const struct cgroup *cg, struct error *err)
{
        own_fd int fd = openat(place, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text };
        int r;

        json_begin_object(&w, NULL);
        cgroup_save(cg, &w, FILE_NAME);
        json_end_object(&w);
        r = fd < 0 ? -errno : buf_failed(&text) ? -ENOMEM : fd_write_all(fd, text.data, text.len);
        return r < 0 ? error_errno(err, -r, "note the machine's cgroup") : 0;
}

int vm_cgroup_make(int place, const char *name, struct cgroup *ret, struct error *err)
{
        const struct spec spec = { .linux_.cgroups_path = name };
        struct cgroup cg = {};
        int r = cgroup_plan(&cg, &spec, name, false, err);

        if (r == 0)
                r = vm_cgroup_note(place, &cg, err);
        if (r == 0)
                r = cgroup_create(&cg, &spec, err);
        if (r < 0) {
                cgroup_finish(&cg);
                return error_wrap(err, "the machine's cgroup");
        }
        *ret = cg;
        return 0;
}

/* 1: *ret is what was noted; 0: nothing was. One that is cut off was written by somebody who made nothing any more. */
static int load(const char *run, const char *id, struct cgroup *ret, struct error *err)
{
        own_json struct json_object *json = NULL;
        own_mem char *path = NULL;
        own_buf struct buf text = {};
        own_fd int fd = -1;
        struct json_object *plan = NULL;
        int r;

        if (asprintf(&path, "%s/instances/%s/" FILE_NAME, run, id) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, "open %s", path);
        r = fd_read_all(fd, MAX_TEXT, &text);
        if (r < 0)
                return error_errno(err, -r, "read %s", path);
        if (json_parse(buf_str(&text), text.len, &json, NULL) < 0 || !json_is_object(json) ||
            json_get_object(json, FILE_NAME, &plan, NULL) <= 0)
                return 0;
        r = cgroup_load(ret, plan, err);
        return r < 0 ? r : 1;
}

int vm_cgroup_open(const char *run, const char *id, struct cgroup *ret, struct error *err)
{
        struct cgroup cg = {};
        int r = load(run, id, &cg, err);

        if (r > 0)
                r = cgroup_open(&cg, err) < 0 ? 0 : 1;
        if (r > 0) {
                *ret = cg;
                return 0;
        }
        cgroup_finish(&cg);
        return r < 0 ? r : error_set(err, ESRCH, "its machine has no cgroup (any more)");
}

static int remove_all(struct cgroup *cg, struct error *err)
{
        struct error ignored;

        if (cgroup_remove_empty(cg))
                return 0;
        if (cgroup_open(cg, &ignored) == 0)
                cgroup_kill(cg, SIGKILL, &ignored);
        return cgroup_destroy(cg, err);
}

void vm_cgroup_forget(const char *run, const char *id)
{
        own_mem char *path = NULL;

        if (asprintf(&path, "%s/instances/%s/" FILE_NAME, run, id) < 0)
                path = NULL;
        else
                unlink(path);
}

int vm_cgroup_remove(const char *run, const char *id, struct error *err)
{
        struct cgroup cg = {};
        int r = load(run, id, &cg, err);

        if (r > 0) {
                r = remove_all(&cg, err);
                cgroup_finish(&cg);
        }
        if (r == 0)
                vm_cgroup_forget(run, id);
        return r;
}
