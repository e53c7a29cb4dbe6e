/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a bus sends: what is taken from it lies inside of it, and written again it says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "sys/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare(const struct dbus_message *a, const struct dbus_message *b)
{
        require(a->type == b->type && a->serial == b->serial && a->reply_serial == b->reply_serial);
        require(same(a->path, b->path) && same(a->interface, b->interface) && same(a->member, b->member));
        require(same(a->error_name, b->error_name) && same(a->destination, b->destination));
        require(same(a->sender, b->sender));
        /* Without a body there is nothing to sign. */
        require(same(a->body_len ? a->signature : "", b->signature));
        require(a->body_len == b->body_len && (!a->body_len || memcmp(a->body, b->body, a->body_len) == 0));
}

/* Reads the body as the types that its signature names; what is no type that we read is taken for a byte. */
static void read_body(const struct dbus_message *m)
{
        struct dbus_reader r = { .data = m->body, .len = m->body_len };
        size_t pos = 0;

        for (const char *type = m->signature; *type && !r.failed; type++) {
                const char *text = NULL;

                if (*type == 's' || *type == 'o')
                        text = dbus_read_string(&r);
                else if (*type == 'g')
                        text = dbus_read_signature(&r);
                else if (*type == 'u')
                        dbus_read_u32(&r);
                else if (*type == 't')
                        dbus_read_u64(&r);
                else
                        dbus_read_byte(&r);
                require(!text || text + strlen(text) < m->body + m->body_len);
                require(r.failed || (r.pos > pos && r.pos <= r.len));
                pos = r.pos;
        }
        require(!r.failed || (!dbus_read_byte(&r) && !dbus_read_u32(&r) && !dbus_read_u64(&r) &&
                              !dbus_read_string(&r) && !dbus_read_signature(&r)));
}

/* Takes over `data`. */
static void read_message(char *data, size_t size, const struct dbus_message *want)
{
        own_dbus_message struct dbus_message m = {};
        own_buf struct buf out = {};
        int r = dbus_message_parse(data, size, &m);

        if (want)
                require(r == 0);
        if (r < 0)
                return;
        read_body(&m);
        if (want) {
                compare(want, &m);
                return;
        }
        dbus_message_write(&out, &m);
        require(!buf_failed(&out) && dbus_message_size(out.data) == out.len);
        data = malloc(out.len);
        if (data)
                read_message(memcpy(data, out.data, out.len), out.len, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *copy = malloc(size ? size : 1);

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        read_message(copy, size, NULL);
        return 0;
}
