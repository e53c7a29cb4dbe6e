/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/shim_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "instance/protocol.h"
#include "instance/shim_frames.h"
#include "instance/shim_job.h"
#include "sys/fd.h"
#include "sys/sibling_program.h"

static int lost(int r, struct error *err)
{
        return r < 0 && r != -EPIPE && r != -ECONNRESET ? error_errno(err, -r, "talk to the shim")
                                                        : error_set(err, EPIPE, "the shim has died");
}

static void add_hello(struct buf *out)
{
        unsigned char version[4];

        protocol_put_u32(version, PROTOCOL_VERSION);
        protocol_add(out, PROTOCOL_HELLO, version, sizeof version);
}

/* The next frame but HELLO, which is looked at. An ERROR becomes *err. */
static int receive(int shim, struct frame *f, unsigned char *payload, struct error *err)
{
        for (;;) {
                int r = protocol_receive_one(shim, f, payload);

                if (r <= 0)
                        return lost(r, err);
                if (f->type == PROTOCOL_ERROR)
                        return shim_take_error(f, err);
                if (f->type != PROTOCOL_HELLO)
                        return 0;
                if (protocol_u32(payload) != PROTOCOL_VERSION)
                        return error_set(err, EPROTONOSUPPORT, "the shim is of another version of holt (protocol %u)",
                                         protocol_u32(payload));
        }
}

/* Until a frame of this type comes; EXITED is one that may come for STATE. */
static int expect(int shim, unsigned type, struct frame *f, unsigned char *payload, struct error *err)
{
        int r;

        do
                r = receive(shim, f, payload, err);
        while (r == 0 && f->type != type && !(type == PROTOCOL_STATE && f->type == PROTOCOL_EXITED));
        return r;
}

/* A shim that is gone may have said how it ended before. */
static int ask(int shim, unsigned type, const void *payload, size_t len, struct error *err)
{
        int r = protocol_send(shim, type, payload, len);

        return r < 0 && r != -EPIPE && r != -ECONNRESET ? lost(r, err) : 0;
}

/* ---- the start ---- */

static int send_job(int shim, const struct shim_job *j, const struct instance *i, const struct start_job *job,
                    struct error *err)
{
        own_mem int *fds = calloc(2 + job->n_given + job->n_pins, sizeof *fds);
        own_buf struct buf payload = {}, out = {};
        size_t n = 0;
        int r;

        shim_job_write(j, i, &payload);
        buf_add(&payload, job->config.data, job->config.len);
        add_hello(&out);
        protocol_add(&out, PROTOCOL_START, payload.data, payload.len);
        if (!fds || buf_failed(&payload) || buf_failed(&out))
                return error_set(err, ENOMEM, "out of memory");
        if (payload.len > PROTOCOL_MAX_START)
                return error_set(err, E2BIG, "the configuration is too long");
        if (j->has_root)
                fds[n++] = job->root;
        if (j->has_netns)
                fds[n++] = job->netns;
        for (size_t k = 0; k < job->n_given; k++)
                fds[n++] = job->given[k];
        for (size_t k = 0; k < job->n_pins; k++)
                fds[n++] = job->pins[k];
        r = protocol_send_raw(shim, out.data, out.len, fds, n);
        return r < 0 ? lost(r, err) : 0;
}

int shim_begin(int shim, struct engine *e, struct instance *i, const struct start_job *job, bool attach,
               struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        char holt[PATH_MAX];
        struct shim_job j;
        struct frame f;
        int r = shim_job_of(i, &j, err);

        if (r == 0)
                r = sibling_program_own(holt, err);
        if (r < 0)
                return r;
        j.holt = holt;
        j.attach = attach;
        j.has_root = job->root >= 0;
        j.has_netns = job->netns >= 0;
        j.n_given = (uint32_t)job->n_given;
        j.by_systemd = job->by_systemd;
        j.cleanup |= j.has_netns || i->has_mounted || (i->options.ipc && strcmp(i->options.ipc, "shareable") == 0);
        r = send_job(shim, &j, i, job, err);
        if (r == 0)
                r = expect(shim, PROTOCOL_STARTED, &f, payload, err);
        return r == 0 ? shim_take_state(&f, &i->state, err) : r;
}

/* ---- one that runs ---- */

int shim_connect(struct engine *e, const struct instance *i, struct error *err)
{
        own_mem char *path = NULL;
        own_buf struct buf hello = {};
        own_fd int fd = -1;
        int r;

        if (asprintf(&path, "%s/instances/%s/socket", e->run, i->id) < 0) {
                path = NULL;
                return error_set(err, ENOMEM, "out of memory");
        }
        fd = fd_connect_unix(path);
        if (fd < 0)
                return error_errno(err, -fd, "connect to the shim of %s", i->name);
        add_hello(&hello);
        r = protocol_send_raw(fd, hello.data, hello.len, NULL, 0);
        /* It has ended, and we were still in the queue: as if we had come a moment later. */
        if (r == -EPIPE || r == -ECONNRESET)
                r = -ECONNREFUSED;
        return r < 0 ? error_errno(err, -r, "connect to the shim of %s", i->name) : take_fd(&fd);
}

int shim_attach(int shim, struct error *err)
{
        const unsigned char flags = PROTOCOL_ATTACH_OUTPUT | PROTOCOL_ATTACH_INPUT;
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        struct frame f;
        int r = ask(shim, PROTOCOL_ATTACH, &flags, sizeof flags, err);

        return r == 0 ? expect(shim, PROTOCOL_STATE, &f, payload, err) : r;
}

static int ask_number(int shim, unsigned type, uint32_t number, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1], n[4];
        struct frame f;
        int r;

        protocol_put_u32(n, number);
        r = ask(shim, type, n, sizeof n, err);
        return r == 0 ? expect(shim, PROTOCOL_DONE, &f, payload, err) : r;
}

int shim_signal(int shim, int signo, struct error *err)
{
        return ask_number(shim, PROTOCOL_SIGNAL, (uint32_t)signo, err);
}

int shim_stop(int shim, int timeout, struct error *err)
{
        return ask_number(shim, PROTOCOL_STOP, (uint32_t)timeout, err);
}

int shim_rename(int shim, const char *name, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1];
        struct frame f;
        int r = ask(shim, PROTOCOL_RENAME, name, strlen(name), err);

        return r == 0 ? expect(shim, PROTOCOL_DONE, &f, payload, err) : r;
}

int shim_wait(int shim, enum wait_for what, struct instance_state *ret, struct error *err)
{
        unsigned char payload[PROTOCOL_MAX_STATE + 1], byte = (unsigned char)what;
        struct frame f;
        int r = ask(shim, PROTOCOL_WAIT, &byte, sizeof byte, err);

        if (r == 0)
                r = expect(shim, PROTOCOL_STATE, &f, payload, err);
        if (r == 0)
                r = shim_take_state(&f, ret, err);
        if (r == 0 && what == WAIT_FOR_HEALTHY && f.type == PROTOCOL_EXITED)
                return error_set(err, ESRCH, "it has ended");
        return r;
}
