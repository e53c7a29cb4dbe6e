/* SPDX-License-Identifier: Apache-2.0 */
/* journald, by its native protocol: a datagram of fields for each line (systemd: JOURNAL_NATIVE_PROTOCOL). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/log.h"

/* WAIT_TIME: seconds for which a journal that takes nothing may hold us up, once. */
enum { SHORT_ID = 12, WAIT_TIME = 1 };

static void connect_journal(struct log *l)
{
        static const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
        static const struct timeval wait = { .tv_sec = WAIT_TIME };
        own_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
            connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
                l->fd = take_fd(&fd);
}

/* With its length in binary, as a value has to be that may have anything in it. */
static void add_message(struct buf *out, const char *line, size_t len)
{
        unsigned char size[8];

        for (size_t i = 0; i < sizeof size; i++)
                size[i] = (unsigned char)((uint64_t)len >> 8 * i);
        buf_add_str(out, "MESSAGE\n");
        buf_add(out, size, sizeof size);
        buf_add(out, line, len);
        buf_add_str(out, "\n");
}

/* False when the connection is of no use any more. */
static bool send_line(struct log *l, const struct buf *line)
{
        ssize_t n = send(l->fd, line->data, line->len, MSG_NOSIGNAL | (l->is_stuck ? MSG_DONTWAIT : 0));

        l->is_stuck = n < 0 && errno == EAGAIN;
        return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* journald takes at least 200 KB at once, and a line has 16. */
void log_journal_add(struct log *l, enum log_stream stream, const char *line, size_t len, bool partial)
{
        own_buf struct buf out = {};

        if (l->fd < 0)
                connect_journal(l);
        if (l->fd < 0)
                return;
        buf_addf(&out, "PRIORITY=%d\nCONTAINER_ID=%.*s\nCONTAINER_ID_FULL=%s\nCONTAINER_NAME=%s\nCONTAINER_TAG=%.*s\n",
                 stream == LOG_STDOUT ? 6 : 3, SHORT_ID, l->id, l->id, l->name, l->options.tag ? 256 : SHORT_ID,
                 l->options.tag ? l->options.tag : l->id);
        buf_addf(&out, "SYSLOG_IDENTIFIER=%.*s\nIMAGE_NAME=%s\n%s", l->options.tag ? 256 : SHORT_ID,
                 l->options.tag ? l->options.tag : l->id, l->image, partial ? "CONTAINER_PARTIAL_MESSAGE=true\n" : "");
        add_message(&out, line, len);
        /* journald was started again: once more. */
        if (!buf_failed(&out) && !send_line(l, &out)) {
                close(take_fd(&l->fd));
                connect_journal(l);
                if (l->fd >= 0)
                        send_line(l, &out);
        }
}
