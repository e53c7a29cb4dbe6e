/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "sys/fd.h"

enum { FIXED_HEADER = 16, CALL_TIMEOUT_MS = 25000, MAX_AUTH_LINE = 512 };

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Reads what is there, after waiting for it until the deadline. */
static int receive_some(struct dbus *d, int64_t deadline)
{
        struct pollfd p = { .fd = d->fd, .events = POLLIN };
        char chunk[4096];
        int64_t left;
        ssize_t n;
        int r;

        do {
                left = deadline - now_ms();
                r = poll(&p, 1, left > 0 ? (int)left : 0);
        } while (r < 0 && errno == EINTR);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;
        do
                n = recv(d->fd, chunk, sizeof chunk, 0);
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 ? -errno : -ECONNRESET;
        buf_add(&d->in, chunk, (size_t)n);
        return buf_failed(&d->in) ? -ENOMEM : 0;
}

static void drop_input(struct dbus *d, size_t len)
{
        memmove(d->in.data, d->in.data + len, d->in.len - len);
        d->in.len -= len;
}

static int send_all(struct dbus *d, const void *data, size_t len)
{
        const char *p = data;

        while (len) {
                ssize_t n = send(d->fd, p, len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                len -= (size_t)n;
        }
        return 0;
}

/* One line of the authentication, without its CR LF. */
static int read_line(struct dbus *d, int64_t deadline, char line[MAX_AUTH_LINE])
{
        for (;;) {
                char *end = d->in.len ? memmem(d->in.data, d->in.len, "\r\n", 2) : NULL;
                int r;

                if (end && end - d->in.data < MAX_AUTH_LINE) {
                        size_t len = (size_t)(end - d->in.data);

                        memcpy(line, d->in.data, len);
                        line[len] = '\0';
                        drop_input(d, len + 2);
                        return 0;
                }
                if (end || d->in.len > MAX_AUTH_LINE)
                        return -EPROTO;
                r = receive_some(d, deadline);
                if (r < 0)
                        return r;
        }
}

/*
 * We claim no user id: the one of the socket counts. In a user namespace we do not know ours as the
 * other side sees it. Servers either ask for it once more, or take the first word.
 */
static int authenticate(struct dbus *d)
{
        static const char hello[] = "\0AUTH EXTERNAL\r\n", data[] = "DATA\r\n", begin[] = "BEGIN\r\n";
        int64_t deadline = now_ms() + CALL_TIMEOUT_MS;
        char line[MAX_AUTH_LINE];
        int r = send_all(d, hello, sizeof hello - 1);

        if (r == 0)
                r = read_line(d, deadline, line);
        if (r == 0 && strncmp(line, "DATA", 4) == 0) {
                r = send_all(d, data, sizeof data - 1);
                if (r == 0)
                        r = read_line(d, deadline, line);
        }
        if (r < 0)
                return r;
        if (strncmp(line, "OK", 2) != 0)
                return strncmp(line, "REJECTED", 8) == 0 ? -EACCES : -EPROTO;
        return send_all(d, begin, sizeof begin - 1);
}

static int say_hello(struct dbus *d, struct error *err)
{
        struct dbus_message call = { .path = "/org/freedesktop/DBus",
                                     .interface = "org.freedesktop.DBus",
                                     .member = "Hello",
                                     .destination = "org.freedesktop.DBus" };
        own_dbus_message struct dbus_message reply = {};

        return dbus_call(d, &call, &reply, err);
}

int dbus_open_fd(int fd, bool bus, struct dbus *ret, struct error *err)
{
        struct dbus d = { .fd = fd };
        int r = authenticate(&d);

        if (r < 0)
                r = error_errno(err, -r, "authenticate to D-Bus");
        else if (bus)
                r = say_hello(&d, err);
        if (r < 0) {
                dbus_close(&d);
                return r;
        }
        *ret = d;
        return 0;
}

void dbus_close(struct dbus *d)
{
        if (d->fd >= 0)
                close(d->fd);
        buf_finish(&d->in);
        *d = (struct dbus){ .fd = -1 };
}

/* Undoes the %XX of an address's value. */
static bool unescape(const char *value, size_t len, char *ret, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                char hex[3] = "", *end = NULL;

                if (n + 1 >= size)
                        return false;
                if (value[i] != '%') {
                        ret[n++] = value[i];
                        continue;
                }
                if (i + 2 >= len)
                        return false;
                memcpy(hex, value + i + 1, 2);
                ret[n++] = (char)strtoul(hex, &end, 16);
                if (*end)
                        return false;
                i += 2;
        }
        ret[n] = '\0';
        return true;
}

static int connect_abstract(const char *name)
{
        own_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        size_t len = strlen(name);

        if (sock < 0)
                return -errno;
        if (len >= sizeof addr.sun_path)
                return -ENAMETOOLONG;
        memcpy(addr.sun_path + 1, name, len);
        if (connect(sock, (struct sockaddr *)&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0)
                return -errno;
        return take_fd(&sock);
}

/* One address: "unix:path=/run/x,guid=..." */
static int connect_one(const char *address, size_t len)
{
        char value[4096];

        if (len < 5 || strncmp(address, "unix:", 5) != 0)
                return -EPROTONOSUPPORT;
        for (size_t at = 5; at < len;) {
                const char *item = address + at;
                size_t n = strcspn(item, ",;");

                if (n > 5 && strncmp(item, "path=", 5) == 0)
                        return unescape(item + 5, n - 5, value, sizeof value) ? fd_connect_unix(value) : -EINVAL;
                if (n > 9 && strncmp(item, "abstract=", 9) == 0)
                        return unescape(item + 9, n - 9, value, sizeof value) ? connect_abstract(value) : -EINVAL;
                at += n + 1;
        }
        return -EPROTONOSUPPORT;
}

int dbus_open(const char *address, bool bus, struct dbus *ret, struct error *err)
{
        int r = -EINVAL;

        for (const char *one = address; *one;) {
                size_t len = strcspn(one, ";");

                r = connect_one(one, len);
                if (r >= 0)
                        return dbus_open_fd(r, bus, ret, err);
                one += len;
                one += *one == ';';
        }
        return error_errno(err, -r, "connect to D-Bus at %s", address);
}

/* The next whole message. */
static int receive_message(struct dbus *d, int64_t deadline, struct dbus_message *ret)
{
        size_t size = 0;
        char *data;
        int r;

        for (;;) {
                if (d->in.len >= FIXED_HEADER) {
                        size = dbus_message_size(d->in.data);
                        if (!size)
                                return -EPROTO;
                        if (d->in.len >= size)
                                break;
                }
                r = receive_some(d, deadline);
                if (r < 0)
                        return r;
        }
        data = malloc(size);
        if (!data)
                return -ENOMEM;
        memcpy(data, d->in.data, size);
        drop_input(d, size);
        return dbus_message_parse(data, size, ret);
}

static int error_reply(const struct dbus_message *m, struct error *err)
{
        struct dbus_reader body = { .data = m->body, .len = m->body_len };
        const char *text = m->signature[0] == 's' ? dbus_read_string(&body) : NULL;

        return error_set(err, EREMOTEIO, "%s: %s", m->error_name ? m->error_name : "D-Bus error",
                         text ? text : "no details");
}

int dbus_call(struct dbus *d, struct dbus_message *call, struct dbus_message *ret, struct error *err)
{
        int64_t deadline = now_ms() + CALL_TIMEOUT_MS;
        own_buf struct buf out = {};
        int r;

        call->type = DBUS_METHOD_CALL;
        call->serial = ++d->serial;
        dbus_message_write(&out, call);
        r = buf_failed(&out) ? -ENOMEM : send_all(d, out.data, out.len);
        while (r == 0) {
                own_dbus_message struct dbus_message m = {};

                r = receive_message(d, deadline, &m);
                if (r < 0 || m.reply_serial != call->serial)
                        continue;
                if (m.type == DBUS_ERROR)
                        return error_reply(&m, err);
                if (m.type != DBUS_METHOD_RETURN)
                        continue;
                *ret = m;
                m.data = NULL;
                return 0;
        }
        return error_errno(err, -r, "D-Bus call %s", call->member);
}

int dbus_wait_signal(struct dbus *d, const char *interface, const char *member,
                     bool (*wanted)(struct dbus_reader *body, void *userdata), void *userdata, int timeout_ms,
                     struct error *err)
{
        int64_t deadline = now_ms() + timeout_ms;

        for (;;) {
                own_dbus_message struct dbus_message m = {};
                struct dbus_reader body;
                int r = receive_message(d, deadline, &m);

                if (r < 0)
                        return error_errno(err, -r, "wait for D-Bus signal %s", member);
                if (m.type != DBUS_SIGNAL || !m.interface || !m.member || strcmp(m.interface, interface) != 0 ||
                    strcmp(m.member, member) != 0)
                        continue;
                body = (struct dbus_reader){ .data = m.body, .len = m.body_len };
                if (wanted(&body, userdata))
                        return 0;
        }
}
