/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/own.h"

bool output_is_wanted(const struct agent *a, const struct session *s)
{
        return s->window && channel_has_room(&a->channel);
}

/* False: there is nothing for now, or any more. */
static bool read_some(struct agent *a, struct session *s, size_t stream)
{
        size_t room = s->window < sizeof a->chunk ? s->window : sizeof a->chunk;
        ssize_t n = read(s->out[stream], a->chunk, room);

        if (n > 0) {
                s->window -= (uint32_t)n;
                channel_send(&a->channel, s->number, stream ? PROTOCOL_STDERR : PROTOCOL_STDOUT, a->chunk, (size_t)n);
                return true;
        }
        /* A terminal is its input as well, and stays open. */
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                if (s->out[stream] != s->in)
                        close(s->out[stream]);
                s->out[stream] = -1;
        }
        return false;
}

void output_read(struct agent *a, struct session *s, size_t stream)
{
        if (output_is_wanted(a, s))
                read_some(a, s, stream);
}

/* Who granted nothing hears of an end before which nothing was written. */
static bool has_some(const struct session *s, size_t stream)
{
        struct pollfd p = { .fd = s->out[stream], .events = POLLIN };

        return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

bool output_read_rest(struct agent *a, struct session *s)
{
        for (size_t i = 0; i < SESSION_STREAMS; i++) {
                while (s->out[i] >= 0 && output_is_wanted(a, s) && read_some(a, s, i))
                        continue;
                if (s->out[i] >= 0 && !output_is_wanted(a, s) && has_some(s, i))
                        return false;
        }
        return true;
}
