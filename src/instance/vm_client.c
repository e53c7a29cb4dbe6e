/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/json.h"
#include "base/own.h"
#include "instance/protocol.h"
#include "sys/fd.h"

/* For who only wants an answer: what its guest does must not keep him for ever. */
enum { ANSWER_SECONDS = 30 };

static int limit_patience(int fd)
{
        const struct timeval time = { .tv_sec = ANSWER_SECONDS };

        return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0 ? -errno : 0;
}

static int connect_to(const char *run, const char *id, bool is_patient, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        own_mem char *path = NULL;
        own_fd int fd = -1;
        struct frame f = {};
        int r;

        if (asprintf(&path, "%s/instances/%s/vm.sock", run, id) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = fd_connect_unix(path);
        if (fd < 0)
                return error_set(err, fd == -ENOENT || fd == -ECONNREFUSED ? ESRCH : -fd, "its machine does not run");
        protocol_put_u32(payload, PROTOCOL_VERSION);
        r = is_patient ? 0 : limit_patience(fd);
        if (r == 0)
                r = protocol_send(fd, PROTOCOL_HELLO, payload, 4);
        if (r == 0)
                r = protocol_receive_one(fd, &f, payload);
        if (r == -EAGAIN)
                return error_set(err, ETIMEDOUT, "its machine does not answer");
        if (r <= 0 || f.type != PROTOCOL_HELLO || protocol_u32(f.payload) != PROTOCOL_VERSION)
                return error_set(err, r < 0 ? -r : EPROTO, "its holt-vm speaks another version, or not at all");
        return take_fd(&fd);
}

int vm_connect(const char *run, const char *id, struct error *err)
{
        return connect_to(run, id, true, err);
}

static int ask(const char *run, const char *id, unsigned type, const void *payload, size_t len, unsigned expected,
               struct buf *ret, struct error *err)
{
        unsigned char answer[PROTOCOL_MAX_STATE + 1];
        own_fd int fd = connect_to(run, id, false, err);
        struct frame f = {};
        int r = fd < 0 ? fd : protocol_send(fd, type, payload, len);

        if (fd < 0)
                return fd;
        if (r == 0)
                r = protocol_receive_one(fd, &f, answer);
        if (r == -EAGAIN)
                return error_set(err, ETIMEDOUT, "its machine does not answer");
        if (r <= 0)
                return error_set(err, ESRCH, "its machine has ended");
        if (f.type == PROTOCOL_ERROR && f.len >= 4)
                return error_set(err, (int)protocol_u32(f.payload), "%s", (const char *)f.payload + 4);
        if (f.type != expected)
                return error_set(err, EPROTO, "its holt-vm says nothing sensible");
        if (ret)
                buf_add(ret, f.payload, f.len);
        return 0;
}

int vm_ask(const char *run, const char *id, unsigned type, const void *payload, size_t len, struct error *err)
{
        return ask(run, id, type, payload, len, PROTOCOL_DONE, NULL, err);
}

int vm_query(const char *run, const char *id, unsigned type, const void *payload, size_t len, struct buf *ret,
             struct error *err)
{
        return ask(run, id, type, payload, len, PROTOCOL_STATE, ret, err);
}

int vm_is_paused(const char *run, const char *id, char reason[BACKEND_REASON])
{
        own_json struct json_object *json = NULL;
        own_buf struct buf text = {};
        const unsigned char payload = WAIT_FOR_RUNNING;
        struct error ignored;
        const char *why = "";
        bool paused = false;

        if (reason)
                reason[0] = '\0';
        if (vm_query(run, id, PROTOCOL_WAIT, &payload, 1, &text, &ignored) < 0 ||
            json_parse(buf_str(&text), text.len, &json, &ignored) < 0 || !json_is_object(json) ||
            json_get_bool(json, "paused", &paused, &ignored) < 0 || json_get_string(json, "reason", &why, &ignored) < 0)
                return 0;
        if (reason)
                snprintf(reason, BACKEND_REASON, "%s", why);
        return paused;
}
