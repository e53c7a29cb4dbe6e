/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/dbus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        FIXED_HEADER = 16,
        MAX_MESSAGE = 128 << 20, /* the specification's limit */
        VERSION = 1,
        NO_AUTO_START = 2, /* a flag: who does not run is not started to answer */
        FIELD_PATH = 1,
        FIELD_INTERFACE = 2,
        FIELD_MEMBER = 3,
        FIELD_ERROR_NAME = 4,
        FIELD_REPLY_SERIAL = 5,
        FIELD_DESTINATION = 6,
        FIELD_SENDER = 7,
        FIELD_SIGNATURE = 8,
        ORDER = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B',
};

static void pad(struct buf *b, size_t align)
{
        static const char zeros[8] = "";

        if (b->len % align)
                buf_add(b, zeros, align - b->len % align);
}

void dbus_add_byte(struct buf *b, uint8_t v)
{
        buf_add(b, &v, 1);
}

void dbus_add_bool(struct buf *b, bool v)
{
        dbus_add_u32(b, v);
}

void dbus_add_u16(struct buf *b, uint16_t v)
{
        pad(b, sizeof v);
        buf_add(b, &v, sizeof v);
}

void dbus_add_u32(struct buf *b, uint32_t v)
{
        pad(b, sizeof v);
        buf_add(b, &v, sizeof v);
}

void dbus_add_u64(struct buf *b, uint64_t v)
{
        pad(b, sizeof v);
        buf_add(b, &v, sizeof v);
}

void dbus_add_double(struct buf *b, double v)
{
        pad(b, sizeof v);
        buf_add(b, &v, sizeof v);
}

void dbus_add_string(struct buf *b, const char *s)
{
        size_t len = strlen(s);

        dbus_add_u32(b, (uint32_t)len);
        buf_add(b, s, len + 1);
}

void dbus_add_signature(struct buf *b, const char *s)
{
        size_t len = strlen(s);

        dbus_add_byte(b, (uint8_t)len);
        buf_add(b, s, len + 1);
}

void dbus_begin_struct(struct buf *b)
{
        pad(b, 8);
}

/* The length does not count the padding between itself and the first element. */
struct dbus_array dbus_begin_array(struct buf *b, size_t align)
{
        struct dbus_array a;

        dbus_add_u32(b, 0);
        a.length_at = b->len - sizeof(uint32_t);
        pad(b, align);
        a.start = b->len;
        return a;
}

void dbus_end_array(struct buf *b, struct dbus_array a)
{
        uint32_t len = (uint32_t)(b->len - a.start);

        if (!buf_failed(b))
                memcpy(b->data + a.length_at, &len, sizeof len);
}

static const void *read_bytes(struct dbus_reader *r, size_t align, size_t len)
{
        size_t at = (r->pos + align - 1) / align * align;

        if (r->failed || at > r->len || r->len - at < len) {
                r->failed = true;
                return NULL;
        }
        r->pos = at + len;
        return r->data + at;
}

uint8_t dbus_read_byte(struct dbus_reader *r)
{
        const uint8_t *p = read_bytes(r, 1, 1);

        return p ? *p : 0;
}

uint32_t dbus_read_u32(struct dbus_reader *r)
{
        const void *p = read_bytes(r, 4, 4);
        uint32_t v = 0;

        if (p)
                memcpy(&v, p, sizeof v);
        return v;
}

uint64_t dbus_read_u64(struct dbus_reader *r)
{
        const void *p = read_bytes(r, 8, 8);
        uint64_t v = 0;

        if (p)
                memcpy(&v, p, sizeof v);
        return v;
}

/* `len` bytes and a NUL, with none in between. */
static const char *read_text(struct dbus_reader *r, size_t len)
{
        const char *s = r->failed || len >= r->len ? NULL : read_bytes(r, 1, len + 1);

        if (!s || memchr(s, '\0', len + 1) != s + len) {
                r->failed = true;
                return NULL;
        }
        return s;
}

const char *dbus_read_string(struct dbus_reader *r)
{
        uint32_t len = dbus_read_u32(r);

        return read_text(r, len);
}

const char *dbus_read_signature(struct dbus_reader *r)
{
        uint8_t len = dbus_read_byte(r);

        return read_text(r, len);
}

void dbus_message_finish(struct dbus_message *m)
{
        free(m->data);
        *m = (struct dbus_message){};
}

static void add_field(struct buf *b, uint8_t code, const char *type, const char *value)
{
        if (!value)
                return;
        dbus_begin_struct(b);
        dbus_add_byte(b, code);
        dbus_add_signature(b, type);
        if (type[0] == 'g')
                dbus_add_signature(b, value);
        else
                dbus_add_string(b, value);
}

void dbus_message_write(struct buf *out, const struct dbus_message *m)
{
        struct buf header = {};
        struct dbus_array fields;

        dbus_add_byte(&header, ORDER);
        dbus_add_byte(&header, (uint8_t)m->type);
        dbus_add_byte(&header, m->type == DBUS_METHOD_CALL ? NO_AUTO_START : 0);
        dbus_add_byte(&header, VERSION);
        dbus_add_u32(&header, (uint32_t)m->body_len);
        dbus_add_u32(&header, m->serial);
        fields = dbus_begin_array(&header, 8);
        add_field(&header, FIELD_PATH, "o", m->path);
        add_field(&header, FIELD_INTERFACE, "s", m->interface);
        add_field(&header, FIELD_MEMBER, "s", m->member);
        add_field(&header, FIELD_ERROR_NAME, "s", m->error_name);
        if (m->reply_serial) {
                dbus_begin_struct(&header);
                dbus_add_byte(&header, FIELD_REPLY_SERIAL);
                dbus_add_signature(&header, "u");
                dbus_add_u32(&header, m->reply_serial);
        }
        add_field(&header, FIELD_DESTINATION, "s", m->destination);
        add_field(&header, FIELD_SENDER, "s", m->sender);
        add_field(&header, FIELD_SIGNATURE, "g", m->body_len ? m->signature : NULL);
        dbus_end_array(&header, fields);
        pad(&header, 8);
        if (buf_failed(&header))
                out->failed = true;
        buf_add(out, header.data, header.len);
        buf_add(out, m->body, m->body_len);
        buf_finish(&header);
}

static uint32_t u32_at(const char *data)
{
        uint32_t v;

        memcpy(&v, data, sizeof v);
        return v;
}

size_t dbus_message_size(const char *data)
{
        size_t body = u32_at(data + 4), fields = u32_at(data + 12);

        if (data[0] != ORDER || data[3] != VERSION || body > MAX_MESSAGE || fields > MAX_MESSAGE)
                return 0;
        return (FIXED_HEADER + fields + 7) / 8 * 8 + body;
}

/* One header field: a byte and a variant. All the codes we know have one of four types, each its own. */
static void parse_field(struct dbus_reader *r, struct dbus_message *m)
{
        static const char known[] = {
                [FIELD_PATH] = 'o',         [FIELD_INTERFACE] = 's',   [FIELD_MEMBER] = 's', [FIELD_ERROR_NAME] = 's',
                [FIELD_REPLY_SERIAL] = 'u', [FIELD_DESTINATION] = 's', [FIELD_SENDER] = 's', [FIELD_SIGNATURE] = 'g',
        };
        const char *type, *text = NULL;
        uint32_t number = 0;
        uint8_t code;

        r->pos = (r->pos + 7) / 8 * 8;
        code = dbus_read_byte(r);
        type = dbus_read_signature(r);
        if (type && (strcmp(type, "s") == 0 || strcmp(type, "o") == 0))
                text = dbus_read_string(r);
        else if (type && strcmp(type, "g") == 0)
                text = dbus_read_signature(r);
        else if (type && strcmp(type, "u") == 0)
                number = dbus_read_u32(r);
        else
                r->failed = true;
        if (type && code < sizeof known && known[code] && known[code] != type[0])
                r->failed = true;
        switch (code) {
        case FIELD_PATH:
                m->path = text;
                break;
        case FIELD_INTERFACE:
                m->interface = text;
                break;
        case FIELD_MEMBER:
                m->member = text;
                break;
        case FIELD_ERROR_NAME:
                m->error_name = text;
                break;
        case FIELD_REPLY_SERIAL:
                m->reply_serial = number;
                break;
        case FIELD_DESTINATION:
                m->destination = text;
                break;
        case FIELD_SENDER:
                m->sender = text;
                break;
        case FIELD_SIGNATURE:
                m->signature = text;
                break;
        default:
                break; /* the specification says to ignore others */
        }
}

int dbus_message_parse(char *data, size_t len, struct dbus_message *ret)
{
        struct dbus_message m = { .data = data };
        struct dbus_reader r = { .data = data };

        if (len < FIXED_HEADER || dbus_message_size(data) != len) {
                dbus_message_finish(&m);
                return -EPROTO;
        }
        m.type = (enum dbus_type)(unsigned char)data[1];
        m.serial = u32_at(data + 8);
        r.pos = FIXED_HEADER;
        r.len = FIXED_HEADER + u32_at(data + 12);
        while (!r.failed && r.pos < r.len)
                parse_field(&r, &m);
        if (r.failed) {
                dbus_message_finish(&m);
                return -EPROTO;
        }
        m.body_len = u32_at(data + 4);
        m.body = data + len - m.body_len;
        if (!m.signature)
                m.signature = "";
        *ret = m;
        return 0;
}
