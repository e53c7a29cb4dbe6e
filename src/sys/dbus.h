/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small D-Bus client: as much of the protocol as it takes to ask systemd for a unit
 * (https://dbus.freedesktop.org/doc/dbus-specification.html). Values are written and read one
 * by one, in the machine's byte order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Appending values to a message body: each pads to its alignment first. */
void dbus_add_byte(struct buf *b, uint8_t v);
void dbus_add_bool(struct buf *b, bool v);
void dbus_add_u16(struct buf *b, uint16_t v);
void dbus_add_u32(struct buf *b, uint32_t v);
void dbus_add_u64(struct buf *b, uint64_t v);
void dbus_add_double(struct buf *b, double v);
void dbus_add_string(struct buf *b, const char *s); /* also an object path */
void dbus_add_signature(struct buf *b, const char *s);

/* A struct or dict entry: its members follow. */
void dbus_begin_struct(struct buf *b);

/* An array whose elements are aligned to `align` bytes; the elements follow; pass what it returns to the end. */
struct dbus_array {
        size_t length_at, start;
};
struct dbus_array dbus_begin_array(struct buf *b, size_t align);
void dbus_end_array(struct buf *b, struct dbus_array a);

/* Reading a body. After the first value that is malformed or not there `failed` stays true and all values are 0 or
 * NULL. */
struct dbus_reader {
        const char *data;
        size_t len, pos;
        bool failed;
};

uint8_t dbus_read_byte(struct dbus_reader *r);
uint32_t dbus_read_u32(struct dbus_reader *r);
uint64_t dbus_read_u64(struct dbus_reader *r);
const char *dbus_read_string(struct dbus_reader *r); /* also an object path; points into the data */
const char *dbus_read_signature(struct dbus_reader *r);

enum dbus_type {
        DBUS_METHOD_CALL = 1,
        DBUS_METHOD_RETURN = 2,
        DBUS_ERROR = 3,
        DBUS_SIGNAL = 4,
};

/* A message: the header's fields that are not given are NULL or 0. */
struct dbus_message {
        enum dbus_type type;
        uint32_t serial, reply_serial;
        const char *path, *interface, *member, *error_name, *destination, *sender, *signature;
        const char *body;
        size_t body_len;
        char *data; /* what a received message's pointers point into; malloc'ed */
};

#define own_dbus_message __attribute__((cleanup(dbus_message_finish)))
void dbus_message_finish(struct dbus_message *m);

/* The bytes of a whole message. A call starts nobody who does not run. */
void dbus_message_write(struct buf *out, const struct dbus_message *m);

/* How many bytes the message that begins with these 16 has in all; 0 when they are no message's. */
size_t dbus_message_size(const char *data);

/* Takes a whole message apart; data is malloc'ed and belongs to *ret afterwards (on failure too it is freed). -EPROTO.
 */
int dbus_message_parse(char *data, size_t len, struct dbus_message *ret);

struct dbus {
        int fd;
        uint32_t serial;
        struct buf in; /* received, not yet taken apart */
};

#define own_dbus __attribute__((cleanup(dbus_close)))

/*
 * Connects to the first of the addresses "unix:path=...;unix:abstract=..." that answers, and authenticates by the
 * socket's credentials (SASL EXTERNAL). With `bus` it says Hello, which a daemon wants and a peer does not.
 */
int dbus_open(const char *address, bool bus, struct dbus *ret, struct error *err);

/* The same on a socket that is connected; takes it over, on failure too. */
int dbus_open_fd(int fd, bool bus, struct dbus *ret, struct error *err);
void dbus_close(struct dbus *d);

/*
 * Sends the call (serial is filled in) and waits for its answer, at most 25 s. Other messages that come in between are
 * dropped. An error reply is -EREMOTEIO with "NAME: TEXT" in err.
 */
int dbus_call(struct dbus *d, struct dbus_message *call, struct dbus_message *ret, struct error *err);

/*
 * Waits for the signal of that interface and member whose body pleases `wanted`; at most `timeout_ms`, then -ETIMEDOUT.
 * Call it right after the call that leads to the signal: only what has arrived since is seen.
 */
int dbus_wait_signal(struct dbus *d, const char *interface, const char *member,
                     bool (*wanted)(struct dbus_reader *body, void *userdata), void *userdata, int timeout_ms,
                     struct error *err);
