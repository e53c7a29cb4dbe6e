/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to one that is there. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/backend.h"
#include "instance/instance_event.h"
#include "instance/instance_name.h"
#include "instance/instance_network.h"
#include "instance/instance_record.h"
#include "instance/shim_client.h"

enum { DEFAULT_TIMEOUT = 10, STATE_TRIES = 2500 };

static int not_running(const struct instance *i, struct error *err)
{
        if (instance_is_running(i))
                return error_set(err, ESRCH, "instance %s does not run: it has ended", i->name);
        return error_set(err, ESRCH, "instance %s does not run: it is %s; start it with: holt start %s", i->name,
                         instance_status_name(i->state.status), i->name);
}

/* -ESRCH: it has ended meanwhile. */
static int connect_running(struct engine *e, const struct instance *i, struct error *err)
{
        int r = instance_is_running(i) ? shim_connect(e, i, err) : -ESRCH;

        return r == -ENOENT || r == -ECONNREFUSED || r == -ESRCH ? not_running(i, err) : r;
}

static int own_timeout(const struct instance *i)
{
        int64_t seconds = DEFAULT_TIMEOUT;

        if (i->options.stop_timeout && parse_i64(i->options.stop_timeout, &seconds) < 0)
                seconds = DEFAULT_TIMEOUT;
        return seconds < 0 ? TIMEOUT_NONE : seconds > 1 << 30 ? 1 << 30 : (int)seconds;
}

static int seconds_of(const struct instance *i, int timeout)
{
        if (timeout == TIMEOUT_HOST)
                return PROTOCOL_STOP_OF_HOST;
        if (timeout == TIMEOUT_FOR_GOOD)
                return PROTOCOL_STOP_FOR_GOOD;
        return timeout == TIMEOUT_OWN ? own_timeout(i) : timeout;
}

int instance_stop_begin(struct engine *e, struct instance *i, int timeout, int *ret_shim, struct error *err)
{
        own_fd int shim = -1;
        int r;

        *ret_shim = -1;
        if (!instance_is_running(i))
                return 0;
        r = shim = connect_running(e, i, err);
        if (r == -ESRCH)
                return 0;
        if (r >= 0)
                r = shim_stop(shim, seconds_of(i, timeout), err);
        /* One that dies instead of an answer: what is waited for is the end of what it ran. */
        if (r >= 0 || r == -EPIPE)
                *ret_shim = take_fd(&shim);
        return *ret_shim < 0 ? r : 0;
}

bool instance_has_ended(struct engine *e, struct instance *i)
{
        const struct timespec pause = { .tv_nsec = 2000000 };
        struct error ignored;

        for (int n = 0; n < STATE_TRIES; n++) {
                int r = instance_read_state(e, i, &ignored);

                if (r == -ENOENT || (r == 0 && !instance_is_running(i)))
                        return true;
                if (r < 0)
                        return false;
                nanosleep(&pause, NULL);
        }
        return false;
}

int instance_stop_end(struct engine *e, struct instance *i, int shim, struct error *err)
{
        int r = shim < 0 ? 0 : shim_wait(shim, WAIT_FOR_EXIT, &i->state, err);

        if (r < 0 && instance_has_ended(e, i))
                r = 0;
        if (r == 0 && shim >= 0)
                instance_tell(e, i, "stop", NULL);
        return r;
}

int instance_stop(struct engine *e, struct instance *i, int timeout, struct error *err)
{
        own_fd int shim = -1;
        int r = instance_stop_begin(e, i, timeout, &shim, err);

        return r == 0 ? instance_stop_end(e, i, shim, err) : r;
}

int instance_kill(struct engine *e, struct instance *i, int signo, struct error *err)
{
        bool was_running = instance_is_running(i);
        char number[16];
        own_fd int shim = connect_running(e, i, err);
        int r = shim < 0 ? shim : shim_signal(shim, signo, err);

        if (r == -EPIPE && instance_has_ended(e, i))
                r = not_running(i, err);
        else if (r == -ESRCH && shim >= 0)
                error_wrap(err, "instance %s", i->name);
        /* It ran when it was looked at, and what was wanted of it has come about. */
        if (r == -ESRCH && was_running && signo == SIGKILL && (shim >= 0 || instance_has_ended(e, i)))
                return 0;
        snprintf(number, sizeof number, "%d", signo);
        if (r == 0)
                instance_tell(e, i, "kill", (const char *const[]){ "signal", number, NULL });
        return r;
}

/* Before it is: whoever finds the mark looks. It goes with the run. */
static int mark_paused(struct engine *e, const struct instance *i, struct error *err)
{
        own_fd int run = engine_open_run(e, err), dir = -1, mark = -1;

        if (run < 0)
                return run;
        dir = openat(run, i->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir >= 0)
                mark = openat(dir, INSTANCE_PAUSED_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        return mark < 0 ? error_errno(err, errno, "note that it is paused") : 0;
}

int instance_pause(struct engine *e, struct instance *i, bool paused, struct error *err)
{
        int r;

        if (!i->backend->pause)
                return error_set(err, ENOTSUP, "%s cannot be paused", i->backend->name);
        if (!instance_is_running(i))
                return not_running(i, err);
        if (i->state.status != (paused ? INSTANCE_RUNNING : INSTANCE_PAUSED))
                return error_set(err, EINVAL, "instance %s is %s", i->name, instance_status_name(i->state.status));
        r = paused ? mark_paused(e, i, err) : 0;
        if (r == 0)
                r = i->backend->pause(e->run, i->id, paused, err);
        if (r == 0)
                instance_tell(e, i, paused ? "pause" : "unpause", NULL);
        return r;
}

/* ---- changes of the configuration ---- */

static int rename_locked(struct instance *i, const char *name, int dir, char **ret_old, struct error *err)
{
        char *old = i->name, *copy = strdup(name);
        int r;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        r = instance_name_take(dir, name, i->id, err);
        if (r < 0) {
                free(copy);
                return r;
        }
        i->name = copy;
        r = instance_save(i, err);
        instance_name_drop(dir, r < 0 ? name : old, i->id);
        *ret_old = r < 0 ? copy : old;
        i->name = r < 0 ? old : copy;
        return r;
}

/* Who tells of it while it runs. A shim that cannot be told, of an older holt, goes on with the old name. */
static void rename_in_shim(struct engine *e, const struct instance *i)
{
        struct error err;
        own_fd int shim = instance_is_running(i) ? shim_connect(e, i, &err) : -1;

        if (shim >= 0 && shim_rename(shim, i->name, &err) < 0 && e->warn)
                e->warn(err.text);
}

int instance_rename(struct engine *e, struct instance *i, const char *name, struct error *err)
{
        own_fd int dir = engine_open_instances(e, err);
        own_mem char *old = NULL;
        int r = dir < 0 ? dir : instance_lock_config(e, i, err);

        if (r < 0)
                return r;
        if (strcmp(i->name, name) == 0)
                r = error_set(err, EINVAL, "that is its name");
        if (r == 0)
                r = rename_locked(i, name, dir, &old, err);
        if (r == 0)
                r = instance_network_rename(e, i, err);
        if (r == 0)
                rename_in_shim(e, i);
        flock(i->fd, LOCK_UN);
        if (old && strcmp(i->name, name) == 0)
                instance_tell(e, i, "rename", (const char *const[]){ "oldName", old, NULL });
        return r;
}
