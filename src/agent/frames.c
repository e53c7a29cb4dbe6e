/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "agent/agent.h"
#include "base/own.h"

static void answer(struct agent *a, const struct frame *f, int r, const struct error *err)
{
        if (r < 0)
                channel_send_error(&a->channel, f->session, err);
        else
                channel_send(&a->channel, f->session, PROTOCOL_DONE, NULL, 0);
}

static void refuse(struct agent *a)
{
        a->channel.error = -EPROTO;
}

/* ---- of the guest ---- */

static void take_hello(struct agent *a, const struct frame *f)
{
        if (a->said_hello || protocol_u32(f->payload) != PROTOCOL_VERSION)
                refuse(a);
        a->said_hello = true;
}

static void take_configuration(struct agent *a, const struct frame *f)
{
        struct error err;
        int r;

        if (a->is_configured)
                r = error_set(&err, EALREADY, "the guest has been configured");
        else
                r = a->workload->configure(a->userdata, (const char *)f->payload, f->len, &err);
        a->is_configured |= r == 0;
        answer(a, f, r, &err);
}

/* Who could not go all the way back is good for nothing any more. */
static void take_reset(struct agent *a, const struct frame *f)
{
        struct error err;
        int r = a->n_sessions ? error_set(&err, EBUSY, "something runs in the guest")
                              : a->workload->reset(a->userdata, &err);

        if (r == 0)
                a->is_configured = false;
        answer(a, f, r, &err);
}

/* What the kernel puts off, such as to free what was given back, it does now and not in every clone. */
static void rest(void)
{
        static const struct timespec pause = { .tv_nsec = 100000000 };

        nanosleep(&pause, NULL);
}

static void take_stats(struct agent *a, const struct frame *f)
{
        own_buf struct buf text = {};
        struct error err;
        int r = a->workload->stats(a->userdata, &text, &err);

        if (r == 0 && buf_failed(&text))
                r = error_set(&err, ENOMEM, "out of memory");
        if (r < 0)
                channel_send_error(&a->channel, f->session, &err);
        else
                channel_send(&a->channel, f->session, PROTOCOL_STATE, text.data, text.len);
}

/* ---- of a session ---- */

static void take_start(struct agent *a, const struct frame *f)
{
        if (session_find(a, f->session))
                refuse(a);
        else
                session_start(a, f->session, f);
}

static void take_signal(struct agent *a, const struct session *s, const struct frame *f)
{
        bool all = f->len > 4 && protocol_u32(f->payload + 4);
        struct error err;
        int r;

        if (!s || !s->pid)
                r = error_set(&err, ESRCH, "it does not run");
        else
                r = a->workload->signal(a->userdata, s->kind, s->pid, (int)protocol_u32(f->payload), all, &err);
        answer(a, f, r, &err);
}

static void take_window(struct session *s, const struct frame *f)
{
        uint32_t more = protocol_u32(f->payload);

        s->window = more > UINT32_MAX - s->window ? UINT32_MAX : s->window + more;
}

/* What comes for one that has just ended is on its way since before that was known. */
static void take_for_session(struct agent *a, const struct frame *f)
{
        struct session *s = session_find(a, f->session);

        if (f->type == PROTOCOL_SIGNAL)
                take_signal(a, s, f);
        else if (!s)
                return;
        else if (f->type == PROTOCOL_STDIN)
                input_take(a, s, f);
        else if (f->type == PROTOCOL_END)
                input_end(s);
        else if (f->type == PROTOCOL_WINDOW)
                take_window(s, f);
        else
                session_resize(s, protocol_u16(f->payload), protocol_u16(f->payload + 2));
}

static void take(struct agent *a, const struct frame *f)
{
        struct error err;
        int r;

        if ((!a->said_hello && f->type != PROTOCOL_HELLO) || (a->is_suspended && f->type != PROTOCOL_RESUME)) {
                refuse(a);
                return;
        }
        switch (f->type) {
        case PROTOCOL_HELLO:
                take_hello(a, f);
                break;
        case PROTOCOL_CONFIGURE:
                take_configuration(a, f);
                break;
        case PROTOCOL_STATS:
                take_stats(a, f);
                break;
        case PROTOCOL_UPDATE:
                r = a->workload->update(a->userdata, (const char *)f->payload, f->len, &err);
                answer(a, f, r, &err);
                break;
        case PROTOCOL_PREPARE:
                agent_settle(a);
                rest();
                answer(a, f, 0, NULL);
                break;
        case PROTOCOL_SUSPEND:
                agent_suspend(a, f);
                break;
        case PROTOCOL_RESUME:
                agent_resume(a, f);
                break;
        case PROTOCOL_RESET:
                take_reset(a, f);
                break;
        case PROTOCOL_SHUTDOWN:
                a->is_over = true;
                break;
        case PROTOCOL_START:
                take_start(a, f);
                break;
        case PROTOCOL_STDIN:
        case PROTOCOL_END:
        case PROTOCOL_WINDOW:
        case PROTOCOL_RESIZE:
        case PROTOCOL_SIGNAL:
                take_for_session(a, f);
                break;
        default:
                refuse(a);
        }
}

void agent_take_frames(struct agent *a)
{
        struct frame f;
        int n = 0;

        a->has_more = false;
        while (!a->channel.error && !a->is_over && (n = protocol_next(&a->channel.in, &f)) > 0) {
                take(a, &f);
                a->has_more = !channel_has_room(&a->channel);
                if (a->has_more)
                        return;
        }
        if (n < 0)
                a->channel.error = n;
        protocol_reader_rest(&a->channel.in);
}
