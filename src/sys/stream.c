/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* The end of the input (or of the terminal: EIO once no slave is open) closes this direction only. */
void stream_read(struct stream *s)
{
        ssize_t n = read(s->from, s->data, STREAM_CHUNK);

        if (n > 0) {
                s->start = 0;
                s->end = (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                s->done = true;
        }
}

void stream_write(struct stream *s)
{
        size_t len = s->end - s->start;
        /* A pipe that is ready has room for as much: more could block, and signals would wait. */
        ssize_t n = write(s->to, s->data + s->start, len < PIPE_BUF ? len : PIPE_BUF);

        if (n > 0)
                s->start += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
                s->done = true;
}

struct pollfd stream_poll(const struct stream *s)
{
        bool full = s->start < s->end;

        if (s->done)
                return (struct pollfd){ .fd = -1 };
        return (struct pollfd){ .fd = full ? s->to : s->from, .events = full ? POLLOUT : POLLIN };
}

void stream_step(struct stream *s, const struct pollfd *p)
{
        if (p->fd < 0 || !p->revents)
                return;
        if (s->start < s->end)
                stream_write(s);
        else
                stream_read(s);
}

int stream_pipe(bool is_input, int *program, int *ours, struct error *err)
{
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return error_errno(err, errno, "make a pipe");
        *program = ends[!is_input];
        *ours = ends[is_input];
        fcntl(*ours, F_SETFL, O_NONBLOCK | (is_input ? O_WRONLY : O_RDONLY));
        return 0;
}
