/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a D-Bus connection, for tests: a child process that plays a part written by the test. */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/dbus.h"

struct server {
        int fd;
        pid_t pid;
};

/* Whatever goes wrong in the child is told by its exit status. */
static inline void server_check(bool ok, int status)
{
        if (!ok)
                _exit(status);
}

static inline void server_read_exactly(int fd, void *data, size_t len)
{
        server_check(recv(fd, data, len, MSG_WAITALL) == (ssize_t)len, 90);
}

static inline void server_expect(int fd, const char *text, size_t len)
{
        char got[256];

        server_read_exactly(fd, got, len);
        server_check(memcmp(got, text, len) == 0, 91);
}

static inline void server_send(int fd, const void *data, size_t len)
{
        server_check(send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len, 92);
}

/* sd-bus's way: asks for the identity that it was not given. */
static inline void server_authenticate(int fd)
{
        server_expect(fd, "\0AUTH EXTERNAL\r\n", 16);
        server_send(fd, "DATA\r\n", 6);
        server_expect(fd, "DATA\r\n", 6);
        server_send(fd, "OK 0123456789abcdef0123456789abcdef\r\n", 37);
        server_expect(fd, "BEGIN\r\n", 7);
}

/* The next message, which has to be a call of that member. */
static inline struct dbus_message server_receive(int fd, const char *member)
{
        struct dbus_message m = {};
        char head[16], *data;
        size_t size;

        server_read_exactly(fd, head, sizeof head);
        size = dbus_message_size(head);
        server_check(size >= sizeof head, 93);
        data = malloc(size);
        server_check(data != NULL, 94);
        memcpy(data, head, sizeof head);
        if (size > sizeof head)
                server_read_exactly(fd, data + sizeof head, size - sizeof head);
        server_check(dbus_message_parse(data, size, &m) == 0, 95);
        server_check(m.type == DBUS_METHOD_CALL && m.member && strcmp(m.member, member) == 0, 96);
        return m;
}

static inline void server_write(int fd, struct dbus_message *m, const char *signature, const struct buf *body)
{
        struct buf out = {};

        m->serial = 77;
        m->signature = signature;
        m->body = body ? body->data : NULL;
        m->body_len = body ? body->len : 0;
        dbus_message_write(&out, m);
        server_send(fd, out.data, out.len);
        buf_finish(&out);
}

static inline void server_reply(int fd, const struct dbus_message *call, const char *signature, const struct buf *body)
{
        struct dbus_message m = { .type = DBUS_METHOD_RETURN, .reply_serial = call->serial };

        server_write(fd, &m, signature, body);
}

static inline void server_reply_string(int fd, const struct dbus_message *call, const char *signature, const char *s)
{
        struct buf body = {};

        if (signature[0] == 'v')
                dbus_add_signature(&body, "s");
        dbus_add_string(&body, s);
        server_reply(fd, call, signature, &body);
        buf_finish(&body);
}

static inline void server_reply_error(int fd, const struct dbus_message *call, const char *name, const char *text)
{
        struct dbus_message m = { .type = DBUS_ERROR, .reply_serial = call->serial, .error_name = name };
        struct buf body = {};

        dbus_add_string(&body, text);
        server_write(fd, &m, "s", &body);
        buf_finish(&body);
}

static inline void server_job_removed(int fd, const char *job, const char *unit, const char *result)
{
        struct dbus_message m = { .type = DBUS_SIGNAL,
                                  .path = "/org/freedesktop/systemd1",
                                  .interface = "org.freedesktop.systemd1.Manager",
                                  .member = "JobRemoved" };
        struct buf body = {};

        dbus_add_u32(&body, 5);
        dbus_add_string(&body, job);
        dbus_add_string(&body, unit);
        dbus_add_string(&body, result);
        server_write(fd, &m, "uoss", &body);
        buf_finish(&body);
}

/* Starts the child; what it gets as `fd` is one end of a socket, the other is the result's. */
static inline struct server server_start(void (*play)(int fd))
{
        struct server s = { .fd = -1 };
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                abort();
        s.pid = fork();
        if (s.pid == 0) {
                close(pair[0]);
                alarm(20);
                play(pair[1]);
                _exit(0);
        }
        close(pair[1]);
        s.fd = pair[0];
        return s;
}

/* The child's exit status: 0 when the client said what it had to. */
static inline int server_wait(struct server *s)
{
        int status = -1;

        waitpid(s->pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
