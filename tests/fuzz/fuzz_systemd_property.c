/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an annotation says a unit's property is: what goes to systemd is one well-formed variant. NAME, NUL, VALUE.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "container/cgroup/properties.h"
#include "sys/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char prefix[] = "org.systemd.property.";

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void read_scalar(struct dbus_reader *r, char type)
{
        switch (type) {
        case 'y':
                dbus_read_byte(r);
                break;
        case 'n':
        case 'q':
                r->pos += r->pos % 2;
                dbus_read_byte(r);
                dbus_read_byte(r);
                break;
        case 'b':
                require(dbus_read_u32(r) <= 1);
                break;
        case 'i':
        case 'u':
                dbus_read_u32(r);
                break;
        case 'x':
        case 't':
        case 'd':
                dbus_read_u64(r);
                break;
        case 's':
        case 'o':
                dbus_read_string(r);
                break;
        case 'g':
                dbus_read_signature(r);
                break;
        default:
                abort();
        }
}

static void read_array(struct dbus_reader *r, char type)
{
        uint32_t len = dbus_read_u32(r);
        size_t align = strchr("xtd", type) ? 8 : 1;

        r->pos = (r->pos + align - 1) / align * align;
        require(r->len - r->pos == len);
        while (!r->failed && r->pos < r->len)
                read_scalar(r, type);
}

static void read_property(const struct buf *b)
{
        struct dbus_reader r = { .data = b->data, .len = b->len };
        const char *name = dbus_read_string(&r), *signature = dbus_read_signature(&r);

        require(name && signature && *signature);
        if (*signature == 'a')
                read_array(&r, signature[1]);
        else
                read_scalar(&r, *signature);
        require(strlen(signature) == (*signature == 'a' ? 2 : 1));
        require(!r.failed && r.pos == r.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_mem char *key = malloc(sizeof prefix + size + 1);
        own_buf struct buf out = {};
        struct str_pair annotation;
        struct error err = {};
        size_t len;

        if (!key)
                return 0;
        memcpy(key, prefix, sizeof prefix - 1);
        memcpy(key + sizeof prefix - 1, data, size);
        memset(key + sizeof prefix - 1 + size, 0, 2);
        len = strlen(key);
        annotation = (struct str_pair){ key, len < sizeof prefix - 1 + size ? key + len + 1 : "" };
        if (property_add_annotation(&out, &annotation, &err) < 0)
                require(*err.text);
        else
                read_property(&out);
        return 0;
}
