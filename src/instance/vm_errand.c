/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm_errand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "instance/shim_frames.h"
#include "instance/vm_client.h"
#include "sys/fd.h"

enum { ROOM = 64 << 10, MAX_ERRNO = 133 };

/* ---- the beginning ---- */

static void write_request(const struct vm_errand_request *r, struct buf *out)
{
        struct json_writer w = { .out = out };

        json_begin_object(&w, NULL);
        json_write_string(&w, "what", "errand");
        json_write_bool(&w, "interactive", r->has_input);
        json_write_strings(&w, "args", r->args);
        json_write_bool(&w, "follow", r->follow);
        json_write_bool(&w, "bare", r->bare);
        json_write_bool(&w, "freeze", r->freeze);
        json_end_object(&w);
}

static int send_start(int fd, const struct vm_errand_request *r, struct error *err)
{
        own_buf struct buf text = {}, payload = {};
        unsigned char length[4];
        int n;

        write_request(r, &text);
        protocol_put_u32(length, (uint32_t)text.len);
        buf_add(&payload, length, sizeof(length));
        buf_add(&payload, text.data, text.len);
        if (buf_failed(&text) || buf_failed(&payload))
                return error_set(err, ENOMEM, "out of memory");
        n = protocol_send(fd, PROTOCOL_START, payload.data, payload.len);
        return n < 0 ? error_errno(err, -n, "talk to the machine") : 0;
}

static int wait_until_started(int fd, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        struct frame f = {};
        int r = protocol_receive_one(fd, &f, payload);

        if (r <= 0)
                return error_set(err, ESRCH, "its machine has ended");
        if (f.type == PROTOCOL_ERROR)
                return shim_take_error(&f, err);
        return f.type == PROTOCOL_STARTED ? 0 : error_set(err, EPROTO, "its holt-vm says nothing sensible");
}

int vm_errand_begin(const struct vm_guest *g, const struct vm_errand_request *r, struct vm_errand *ret,
                    struct error *err)
{
        own_fd int fd = vm_connect(g->e->run, g->i->id, err);
        int n = fd < 0 ? fd : send_start(fd, r, err);

        if (n == 0)
                n = wait_until_started(fd, err);
        if (n < 0)
                return n;
        *ret = (struct vm_errand){ .fd = take_fd(&fd) };
        return 0;
}

void vm_errand_finish(struct vm_errand *v)
{
        protocol_reader_finish(&v->in);
        if (v->fd >= 0)
                close(take_fd(&v->fd));
}

/* ---- what it says ---- */

/* For a person's terminal. */
static void take_words(struct vm_errand *v, const struct frame *f)
{
        for (uint32_t n = 0; n < f->len && v->said_len < sizeof(v->said) - 1; n++) {
                unsigned char c = f->payload[n];

                v->said[v->said_len++] = (char)(c < ' ' || c == 127 ? ' ' : c);
        }
}

static int take_end(struct vm_errand *v, const struct frame *f, struct error *err)
{
        struct instance_state state = {};
        int r = shim_take_state(f, &state, err);

        v->is_over = true;
        v->status = state.exit_code;
        return r;
}

static int take(struct vm_errand *v, const struct frame *f, struct error *err)
{
        switch (f->type) {
        case PROTOCOL_STDOUT:
                v->data = f->payload;
                v->len = f->len;
                v->taken += f->len;
                return 0;
        case PROTOCOL_STDERR:
                take_words(v, f);
                return 0;
        case PROTOCOL_WINDOW:
                v->granted += protocol_u32(f->payload);
                return 0;
        case PROTOCOL_EXITED:
                return take_end(v, f, err);
        default:
                return error_set(err, EPROTO, "its holt-vm says nothing sensible");
        }
}

/* Waits for a frame. */
static int step(struct vm_errand *v, struct error *err)
{
        struct frame f;
        int r;

        while ((r = protocol_next(&v->in, &f)) == 0) {
                ssize_t n = protocol_receive(&v->in, v->fd, ROOM);

                if (n == 0 || n == -ECONNRESET)
                        return error_set(err, EPIPE, "its machine has ended");
                if (n < 0)
                        return error_errno(err, (int)-n, "talk to the machine");
        }
        return r < 0 ? error_errno(err, -r, "understand the machine") : take(v, &f, err);
}

/* Numbers are the guest's own choice, and so are its words. */
static int result(const struct vm_errand *v, struct error *err)
{
        int code = v->status > 0 && v->status <= MAX_ERRNO ? v->status : EIO;

        if (v->status == 0)
                return 0;
        return error_set(err, code, "%.*s", (int)v->said_len, v->said_len ? v->said : "the guest could not do it");
}

/* ---- output ---- */

ssize_t vm_errand_read(void *userdata, const void **ret, struct error *err)
{
        struct vm_errand *v = userdata;
        size_t len;

        while (!v->len && !v->is_over) {
                int r = step(v, err);

                if (r < 0)
                        return r;
        }
        if (!v->len)
                return result(v, err);
        *ret = v->data;
        len = v->len;
        v->len = 0;
        return (ssize_t)len;
}

int vm_errand_read_all(struct vm_errand *v, size_t max, struct buf *ret, struct error *err)
{
        const void *data = NULL;
        ssize_t n;

        while ((n = vm_errand_read(v, &data, err)) > 0) {
                if (v->taken > max)
                        return error_set(err, EMSGSIZE, "the guest says more than it was asked for");
                buf_add(ret, data, (size_t)n);
                if (buf_failed(ret))
                        return error_set(err, ENOMEM, "out of memory");
        }
        return (int)n;
}

const char *vm_errand_word(const struct buf *told, size_t *at)
{
        const char *word = told->data + *at;
        size_t left = told->len - *at, n = left ? strnlen(word, left) : 0;

        if (n == left)
                return NULL;
        *at += n + 1;
        return word;
}

int vm_errand_write_out(struct vm_errand *v, int to, struct error *err)
{
        const void *data = NULL;
        ssize_t n;

        while ((n = vm_errand_read(v, &data, err)) > 0) {
                int r = fd_write_all(to, data, (size_t)n);

                if (r < 0)
                        return error_errno(err, -r, "write the archive");
        }
        return (int)n;
}

/* ---- input ---- */

/* As it is granted. One that has ended takes no more. */
static int send_input(struct vm_errand *v, const char *data, size_t len, struct error *err)
{
        while (len && !v->is_over) {
                size_t now = len < v->granted ? len : v->granted;
                int r;

                if (now > PROTOCOL_MAX_DATA)
                        now = PROTOCOL_MAX_DATA;
                r = now ? protocol_send(v->fd, PROTOCOL_STDIN, data, now) : step(v, err);
                if (r < 0)
                        return now ? error_errno(err, -r, "talk to the machine") : r;
                v->granted -= (uint32_t)now;
                data += now;
                len -= now;
        }
        return 0;
}

int vm_errand_feed(struct vm_errand *v, tar_read read, void *userdata, struct error *err)
{
        const void *data = NULL;
        ssize_t n;
        int r = 0;

        while (r == 0 && !v->is_over && (n = read(userdata, &data, err)) != 0)
                r = n < 0 ? (int)n : send_input(v, data, (size_t)n, err);
        if (r == 0 && !v->is_over && protocol_send(v->fd, PROTOCOL_END, NULL, 0) < 0)
                r = error_set(err, EPIPE, "its machine has ended");
        while (r == 0 && !v->is_over)
                r = step(v, err);
        return r < 0 ? r : result(v, err);
}
