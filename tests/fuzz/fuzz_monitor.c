/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says to holt-vm, in whatever state that is. The first byte says in which: an UPDATE or a template's making
 * (SUSPEND, RESUME) is being waited for, a session runs, or is being started. All that is kept has a bound.
 */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "monitor/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UPDATING = 1, SAVING = 2, ASKED = 4, STARTED = 8, GRANTED = 1000, STEP = 4096, MOST = 1 << 20 };

static void require(bool holds)
{
        if (!holds)
                abort();
}

static struct monitor_client *add_client(struct monitor *m, uint16_t session)
{
        struct monitor_client *c = calloc(1, sizeof(*c));

        require(c);
        /* It is there; nothing is sent to it. */
        c->fd = 1000;
        c->session = session;
        m->clients[m->n_clients++] = c;
        return c;
}

static void begin(struct monitor *m, uint8_t state)
{
        static const char update[] = "{\"machine\":{\"cpus\":1,\"memory\":64,\"limits\":{}}}";
        struct monitor_client *c = add_client(m, 0);
        struct error err;

        c->waits_for_guest = state & (UPDATING | SAVING);
        c = add_client(m, SESSION_FIRST_CLIENT);
        c->granted = GRANTED;
        c->started = state & STARTED;
        c->asks = state & ASKED ? 2 : 0;
        m->output_granted = GRANTED;
        if (state & UPDATING)
                require(json_parse(update, sizeof(update) - 1, &m->update, &err) == 0);
        if (state & SAVING) {
                m->save = strdup("/no/such/directory");
                m->is_suspended = true;
        }
}

static void finish(struct monitor *m)
{
        for (size_t i = 0; i < m->n_clients; i++) {
                protocol_reader_finish(&m->clients[i]->in);
                buf_finish(&m->clients[i]->out);
                free(m->clients[i]);
        }
        protocol_reader_finish(&m->in);
        buf_finish(&m->out);
        buf_finish(&m->unheard);
        buf_finish(&m->output[0].pending);
        buf_finish(&m->output[1].pending);
        json_put(m->update);
        json_put(m->changed);
        free(m->save);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct monitor m;
        int r = 0;

        if (!size)
                return 0;
        m = (struct monitor){ .agent = -1,
                              .qmp = { .fd = -1 },
                              .qemu_pidfd = -1,
                              .signals = -1,
                              .console = -1,
                              .listener = -1,
                              .output = { { .fd = -1 }, { .fd = -1 } } };
        begin(&m, *data);
        for (size_t at = 1; at < size && r >= 0; at += STEP) {
                size_t n = size - at < STEP ? size - at : STEP;

                r = protocol_feed(&m.in, data + at, n);
                if (r >= 0)
                        r = channel_take(&m);
                /* Each side can have answered what came, and no more. */
                require(m.out.len + m.unheard.len + m.clients[0]->out.len + m.clients[1]->out.len < MOST + 4 * size);
        }
        require(m.n_clients == 2 && m.output_granted <= GRANTED + PROTOCOL_WINDOW_SIZE);
        finish(&m);
        return 0;
}
