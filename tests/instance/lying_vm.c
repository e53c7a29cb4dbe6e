/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of holt-vm, with no machine: its agent says whatever a test wants. Of an errand NAME the output is the
 * file $LIES/NAME, what it complains of $LIES/NAME.err, its exit status in $LIES/NAME.exit; what it gets is added to
 * $LIES/got. With $LIES/NAME.flood the output never ends, with $LIES/NAME.dies the connection does.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/own.h"
#include "instance/protocol.h"
#include "sys/fd.h"

/* As monitor/monitor.h. */
enum { ANSWER = 4, PLACE = 5 };
enum { MAX_FILE = 64 << 20, MAX_NAME = 32 };

static int open_lie(const char *name, const char *kind, int flags)
{
        char path[512];

        snprintf(path, sizeof(path), "%s/%s%s", getenv("LIES"), name, kind);
        return open(path, flags | O_CLOEXEC, 0600);
}

static bool has_lie(const char *name, const char *kind)
{
        own_fd int fd = open_lie(name, kind, O_RDONLY);

        return fd >= 0;
}

static void read_lie(const char *name, const char *kind, struct buf *ret)
{
        own_fd int fd = open_lie(name, kind, O_RDONLY);

        if (fd >= 0)
                fd_read_all(fd, MAX_FILE, ret);
}

static void say(int fd, unsigned type, const char *data, size_t len)
{
        while (len) {
                size_t now = len < PROTOCOL_MAX_DATA ? len : PROTOCOL_MAX_DATA;

                if (protocol_send(fd, type, data, now) < 0)
                        _exit(0);
                data += now;
                len -= now;
        }
}

/* {"what":"errand",...,"args":["NAME",... */
static void find_name(const struct frame *f, char ret[MAX_NAME])
{
        const char *at = memmem(f->payload, f->len, "\"args\":[\"", 9);
        size_t n = at ? strcspn(at + 9, "\"") : 0;

        snprintf(ret, MAX_NAME, "%.*s", (int)(n < MAX_NAME ? n : 0), at ? at + 9 : "");
}

static void end(int fd, const char *name)
{
        own_buf struct buf status = {}, text = {};

        read_lie(name, ".exit", &status);
        buf_addf(&text, "{\"status\":\"exited\",\"exitCode\":%d}", atoi(buf_str(&status)));
        protocol_send(fd, PROTOCOL_EXITED, text.data, text.len);
}

static void lie(int fd, const struct frame *start)
{
        own_buf struct buf out = {}, complaint = {};
        unsigned char window[4];
        char name[MAX_NAME];

        find_name(start, name);
        protocol_put_u32(window, 1 << 20);
        protocol_send(fd, PROTOCOL_STARTED, "{}", 2);
        read_lie(name, "", &out);
        read_lie(name, ".err", &complaint);
        do
                say(fd, PROTOCOL_STDOUT, out.data, out.len);
        while (has_lie(name, ".flood"));
        say(fd, PROTOCOL_STDERR, complaint.data, complaint.len);
        if (has_lie(name, ".dies"))
                _exit(0);
        if (strcmp(name, "extract") == 0)
                protocol_send(fd, PROTOCOL_WINDOW, window, sizeof(window));
        else
                end(fd, name);
}

static void take(int fd, const struct frame *f, pid_t all)
{
        own_fd int got = open_lie("got", "", O_WRONLY | O_CREAT | O_APPEND);

        if (f->type == PROTOCOL_START)
                lie(fd, f);
        else if (f->type == PROTOCOL_STDIN)
                fd_write_all(got, f->payload, f->len);
        else if (f->type == PROTOCOL_END)
                end(fd, "extract");
        if (f->type != PROTOCOL_SHUTDOWN)
                return;
        protocol_send(fd, PROTOCOL_DONE, NULL, 0);
        kill(all, SIGTERM);
}

static _Noreturn void serve(int fd, pid_t all)
{
        struct protocol_reader in = { .may_start = true };
        unsigned char version[4];
        struct frame f;

        protocol_put_u32(version, PROTOCOL_VERSION);
        protocol_send(fd, PROTOCOL_HELLO, version, sizeof(version));
        while (protocol_receive(&in, fd, 64 << 10) > 0)
                while (protocol_next(&in, &f) > 0)
                        take(fd, &f, all);
        _exit(0);
}

int main(void)
{
        static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "vm.sock" };
        const struct error well = {};
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        signal(SIGCHLD, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        if (fchdir(PLACE) < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener, 8) < 0 || write(ANSWER, &well, sizeof(well)) != sizeof(well))
                return 1;
        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                if (fd >= 0 && fork() == 0)
                        serve(fd, getppid());
                close(fd);
        }
}
