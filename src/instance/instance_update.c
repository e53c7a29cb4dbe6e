/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and the restart policy of one that is there. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/instance_record.h"
#include "instance/live_update.h"
#include "instance/resource_flags.h"
#include "instance/shim_job.h"
#include "instance/vm_limits.h"

/* Also of one that does not run: what makes no sense is an error now. */
static int check(struct engine *e, const struct instance *i, struct buf *resources, struct error *err)
{
        own_shim_job struct shim_job ignored = {};
        struct json_writer w = { .out = resources };
        int r = shim_job_of(i, &ignored, err);

        json_begin_object(&w, NULL);
        if (r == 0 && i->backend->is_machine)
                r = vm_change_write(e, i, &w, err);
        else if (r == 0)
                r = resource_flags_write(&i->options, false, e->warn, &w, err);
        json_end_object(&w);
        return r == 0 && buf_failed(resources) ? error_set(err, ENOMEM, "out of memory") : r;
}

/* For its shim; one whose RUN/instances/ID is gone has ended. */
static int leave_update(struct engine *e, const struct instance *i, const struct buf *resources, struct error *err)
{
        own_fd int run = engine_open_run(e, err), dir = -1;
        int r;

        if (run < 0)
                return run;
        dir = openat(run, i->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = dir < 0 ? -errno : live_update_write(dir, i->options.restart, i->backend->is_machine, resources);
        return r < 0 && r != -ENOENT ? error_errno(err, -r, "leave the change to the shim") : 0;
}

static bool found_nothing(int r)
{
        return r == -ENOENT || r == -ESRCH;
}

/* Then nothing was found to limit it by: it has no cgroup. */
static bool goes_on(struct engine *e, struct instance *i)
{
        struct error ignored;
        pid_t pid = i->state.pid;

        return instance_read_state(e, i, &ignored) == 0 && i->state.status == INSTANCE_RUNNING && i->state.pid == pid &&
               pid > 0 && kill(pid, 0) == 0;
}

/* Between two starts there is nothing to limit. The shim looks for a change when it has started it again: one that had
 * nothing to limit, and was not left yet by then, is made now. */
static int update_running(struct engine *e, struct instance *i, const struct buf *resources, bool has_other_limits,
                          struct error *err)
{
        int r, first;

        if (!has_other_limits)
                return leave_update(e, i, resources, err);
        if (!i->backend->update)
                return error_set(err, ENOTSUP, "the limits of a running %s cannot be changed", i->backend->name);
        first = i->backend->update(e->run, i->id, resources->data, resources->len, err);
        if (first < 0 && (!found_nothing(first) || goes_on(e, i)))
                return first;
        r = leave_update(e, i, resources, err);
        if (r == 0 && first < 0)
                r = i->backend->update(e->run, i->id, resources->data, resources->len, err);
        return found_nothing(r) ? 0 : r;
}

int instance_update(struct engine *e, struct instance *i, instance_change *change, void *userdata, struct error *err)
{
        own_buf struct buf before = {}, resources = {};
        bool is_running, has_other_limits;
        int r = instance_lock_config(e, i, err);

        if (r < 0)
                return r;
        is_running = instance_is_running(i);
        has_other_limits = check(e, i, &before, err) < 0;
        r = change(userdata, &i->options, err);
        if (r == 0)
                r = check(e, i, &resources, err);
        has_other_limits |=
                resources.len != before.len || memcmp(buf_str(&resources), buf_str(&before), before.len) != 0;
        if (r == 0 && is_running)
                r = update_running(e, i, &resources, has_other_limits, err);
        if (r == 0)
                r = instance_save(i, err);
        flock(i->fd, LOCK_UN);
        if (r == 0)
                instance_tell(e, i, "update", NULL);
        return r;
}
