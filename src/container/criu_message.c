/* SPDX-License-Identifier: Apache-2.0 */
#include "container/criu_message.h"

#include <errno.h>
#include <string.h>

/* Protobuf's wire types. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* Fields of criu_req, criu_resp and criu_notify. */
enum {
        REQUEST_TYPE = 1,
        REQUEST_OPTS = 2,
        REQUEST_NOTIFY_SUCCESS = 3,
        RESPONSE_TYPE = 1,
        RESPONSE_SUCCESS = 2,
        RESPONSE_NOTIFY = 5,
        RESPONSE_MESSAGE = 9,
        NOTIFY_SCRIPT = 1,
        NOTIFY_PID = 2,
};

/* ---- writing ---- */

static void add_varint(struct buf *b, uint64_t v)
{
        unsigned char bytes[10];
        size_t n = 0;

        do {
                bytes[n] = (unsigned char)(v & 0x7f);
                v >>= 7;
                if (v)
                        bytes[n] |= 0x80;
                n++;
        } while (v);
        buf_add(b, bytes, n);
}

static void add_number(struct buf *b, unsigned field, uint64_t v)
{
        add_varint(b, field << 3 | VARINT);
        add_varint(b, v);
}

static void add_bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
        add_varint(b, field << 3 | BYTES);
        add_varint(b, len);
        if (len)
                buf_add(b, data, len);
}

static void add_message(struct buf *b, unsigned field, const struct buf *message)
{
        b->failed |= message->failed;
        add_bytes(b, field, message->data, message->len);
}

void criu_add_number(struct buf *opts, enum criu_option option, uint64_t value)
{
        add_number(opts, option, value);
}

void criu_add_text(struct buf *opts, enum criu_option option, const char *text)
{
        if (text)
                add_bytes(opts, option, text, strlen(text));
}

void criu_add_pair(struct buf *opts, enum criu_option option, const char *first, const char *second)
{
        own_buf struct buf pair = {};

        if (first)
                add_bytes(&pair, 1, first, strlen(first));
        add_bytes(&pair, 2, second, strlen(second));
        add_message(opts, option, &pair);
}

void criu_add_numbered(struct buf *opts, enum criu_option option, const char *text, uint64_t number)
{
        own_buf struct buf pair = {};

        add_bytes(&pair, 1, text, strlen(text));
        add_number(&pair, 2, number);
        add_message(opts, option, &pair);
}

void criu_request(struct buf *out, enum criu_type type, const struct buf *opts)
{
        add_number(out, REQUEST_TYPE, type);
        add_message(out, REQUEST_OPTS, opts);
}

void criu_reply(struct buf *out, bool success)
{
        add_number(out, REQUEST_TYPE, CRIU_NOTIFY);
        add_number(out, REQUEST_NOTIFY_SUCCESS, success);
}

/* ---- reading ---- */

struct reader {
        const unsigned char *data;
        size_t len;
};

struct field {
        uint64_t number, value; /* value: of a number */
        struct reader bytes;    /* of a text or message */
};

static int read_varint(struct reader *r, uint64_t *ret)
{
        uint64_t v = 0;

        for (unsigned shift = 0; shift < 64 && r->len; shift += 7) {
                unsigned char byte = *r->data;

                r->data++;
                r->len--;
                v |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *ret = v;
                        return 0;
                }
        }
        return -EBADMSG;
}

static int take_bytes(struct reader *r, uint64_t n, struct reader *ret)
{
        if (n > r->len)
                return -EBADMSG;
        *ret = (struct reader){ r->data, (size_t)n };
        r->data += n;
        r->len -= (size_t)n;
        return 0;
}

/* 1, 0 at the end, -EBADMSG. */
static int next_field(struct reader *r, struct field *ret)
{
        uint64_t key, n = 0;
        int e;

        *ret = (struct field){};
        if (!r->len)
                return 0;
        e = read_varint(r, &key);
        if (e < 0)
                return e;
        ret->number = key >> 3;
        switch (key & 7) {
        case VARINT:
                e = read_varint(r, &ret->value);
                break;
        case BYTES:
                e = read_varint(r, &n);
                if (e == 0)
                        e = take_bytes(r, n, &ret->bytes);
                break;
        case FIXED64:
                e = take_bytes(r, 8, &ret->bytes);
                break;
        case FIXED32:
                e = take_bytes(r, 4, &ret->bytes);
                break;
        default:
                return -EBADMSG;
        }
        return e < 0 ? e : 1;
}

static void copy_text(char *to, size_t size, const struct reader *from)
{
        size_t n = from->len < size ? from->len : size - 1;

        if (n)
                memcpy(to, from->data, n);
        to[n] = '\0';
}

static int parse_notify(struct reader r, struct criu_response *ret)
{
        struct field f;
        int e;

        while ((e = next_field(&r, &f)) > 0) {
                if (f.number == NOTIFY_SCRIPT)
                        copy_text(ret->script, sizeof ret->script, &f.bytes);
                else if (f.number == NOTIFY_PID)
                        ret->pid = (int32_t)f.value;
        }
        return e;
}

int criu_response_parse(const void *data, size_t len, struct criu_response *ret)
{
        struct reader r = { data, len };
        struct criu_response response = {};
        struct field f;
        int e;

        while ((e = next_field(&r, &f)) > 0) {
                if (f.number == RESPONSE_TYPE)
                        response.type = f.value;
                else if (f.number == RESPONSE_SUCCESS)
                        response.success = f.value != 0;
                else if (f.number == RESPONSE_MESSAGE)
                        copy_text(response.message, sizeof response.message, &f.bytes);
                else if (f.number == RESPONSE_NOTIFY)
                        e = parse_notify(f.bytes, &response);
                if (e < 0)
                        break;
        }
        if (e < 0)
                return e;
        *ret = response;
        return 0;
}
