/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "agent/agent.h"

static void answer(struct agent *a, const struct frame *f, int r, const struct error *err)
{
        if (r < 0)
                channel_send_error(&a->channel, f->session, err);
        else
                channel_send(&a->channel, f->session, PROTOCOL_DONE, NULL, 0);
}

/* What a copy can take over is one program: others would have nobody to talk to. */
static int check(const struct agent *a, struct error *err)
{
        if (!a->n_sessions || a->sessions[0]->kind != WORKLOAD_CONTAINER || !a->sessions[0]->pid)
                return error_set(err, ESRCH, "its program has ended");
        if (a->n_sessions > 1)
                return error_set(err, EBUSY,
                                 "something else runs in it (holt exec, a health check, a copy): try again "
                                 "when that has ended");
        return 0;
}

void agent_suspend(struct agent *a, const struct frame *f)
{
        struct error err;
        int r = check(a, &err);

        if (r == 0) {
                agent_settle(a);
                r = a->workload->suspend(a->userdata, &err);
        }
        a->is_suspended = r == 0;
        answer(a, f, r, &err);
}

/* Nothing is granted any more in either direction. */
static void begin_anew(struct agent *a)
{
        struct session *s = a->sessions[0];

        s->window = 0;
        input_begin(a, s);
}

void agent_resume(struct agent *a, const struct frame *f)
{
        struct error err;
        int r;

        if (!a->is_suspended)
                r = error_set(&err, EINVAL, "nothing was suspended");
        else
                r = a->workload->resume(a->userdata, (const char *)f->payload, f->len, &err);
        if (r == 0)
                a->is_suspended = false;
        answer(a, f, r, &err);
        if (r == 0 && f->len)
                begin_anew(a);
}
