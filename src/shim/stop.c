/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "shim/shim.h"
#include "sys/process.h"

static const int64_t second = 1000000000;

bool shim_is_ending(const struct shim *s, int signo)
{
        return signo == SIGKILL || signo == SIGTERM || signo == SIGINT || signo == SIGQUIT ||
               signo == s->job.stop_signal;
}

/* A frozen program heeds nothing. */
static void wake(struct shim *s)
{
        struct error ignored;

        if (s->backend->pause && s->backend->is_paused && s->backend->is_paused(s->run, s->id, NULL) > 0)
                s->backend->pause(s->run, s->id, false, &ignored);
}

static int not_running(struct error *err)
{
        return error_set(err, ESRCH, "it does not run");
}

int shim_signal_program(struct shim *s, int signo, struct error *err)
{
        int r;

        if (signo <= 0 || signo > SIGRTMAX)
                return error_set(err, EINVAL, "there is no signal %d", signo);
        if (s->phase == SHIM_PAUSING && shim_is_ending(s, signo))
                return shim_stop_program(s, 0, true, err);
        if (s->phase != SHIM_RUNNING)
                return not_running(err);
        /* Before it is sent: the program may be faster than we are. */
        if (shim_is_ending(s, signo))
                s->is_stopping = s->state.stopped = true;
        r = s->backend->signal(s->run, s->id, signo, false, err);
        if (r == 0 && shim_is_ending(s, signo))
                wake(s);
        return r;
}

static void ask_to_end(struct shim *s, int timeout)
{
        struct error ignored;

        s->state.status = INSTANCE_STOPPING;
        shim_publish(s);
        /* A machine would shut its guest down, for the sake of a disk that nobody wants. */
        if (timeout == PROTOCOL_STOP_FOR_GOOD && s->backend->is_machine) {
                process_signal(s->pidfd, SIGKILL);
                return;
        }
        s->backend->signal(s->run, s->id, s->job.stop_signal, false, &ignored);
        wake(s);
        if (timeout == PROTOCOL_STOP_FOR_GOOD)
                timeout = 0;
        s->kill_at = timeout < 0 ? 0 : shim_now() + timeout * second;
}

/* Who has all but the last output, and does not take it. */
void shim_expire_readers(struct shim *s)
{
        s->readers_end = 0;
        for (size_t i = 0; i < s->n_clients; i++)
                s->clients[i]->is_stuck |= s->clients[i]->attached;
}

int shim_stop_program(struct shim *s, int timeout, bool command, struct error *err)
{
        if (s->phase == SHIM_WAITING)
                return not_running(err);
        s->is_stopping = true;
        s->state.stopped |= command;
        if (s->phase == SHIM_RUNNING)
                ask_to_end(s, timeout);
        else if (s->phase != SHIM_PAUSING)
                shim_expire_readers(s);
        return 0;
}

void shim_kill(struct shim *s)
{
        struct error ignored;

        s->kill_at = 0;
        if (s->backend->signal(s->run, s->id, SIGKILL, false, &ignored) < 0)
                process_signal(s->pidfd, SIGKILL);
}
