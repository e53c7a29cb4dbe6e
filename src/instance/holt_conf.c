/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/holt_conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"
#include "instance/vm_pool.h"
#include "sys/fd.h"

#define USUAL "/etc/holt/holt.conf"

enum { MAX_FILE = 64 << 10, MAX_LINE = 512 };

static int read_pool(const char *value, struct holt_conf *c)
{
        return parse_u32(value, 10, &c->vm_pool) < 0 || c->vm_pool > VM_POOL_MAX ? -EINVAL : 0;
}

static int read_limit(const char *value, struct holt_conf *c)
{
        int64_t bytes;

        if (parse_size(value, &bytes) < 0 || bytes < 0)
                return -EINVAL;
        c->vm_template_limit = (uint64_t)bytes;
        return 0;
}

static const struct key {
        const char *name, *wants;
        int (*read)(const char *value, struct holt_conf *c);
} keys[] = {
        { "vm.pool", "a number of machines from 0 to 64", read_pool },
        { "vm.template_limit", "bytes, with a suffix as 512m or 2g", read_limit },
};

struct holt_conf holt_conf_default(void)
{
        return (struct holt_conf){ .vm_pool = 1, .vm_template_limit = 2ULL << 30 };
}

const char *holt_conf_path(void)
{
        const char *path = getenv("HOLT_CONF");

        return path && *path ? path : USUAL;
}

/* ---- a line ---- */

struct line {
        const char *file;
        unsigned number;
        struct error *err;
};

/* What a terminal might take for more than text is not repeated. */
static int wrong(const struct line *l, const char *word, const char *what)
{
        char shown[48];
        size_t n = 0;

        for (; word[n] && n < sizeof(shown) - 1; n++)
                shown[n] = isprint((unsigned char)word[n]) ? word[n] : '?';
        shown[n] = '\0';
        return error_set(l->err, EINVAL, "%s:%u: \"%s\" %s", l->file, l->number, shown, what);
}

/* Without spaces around it. */
static char *trim(char *text)
{
        char *end = text + strlen(text);

        while (end > text && isspace((unsigned char)end[-1]))
                end--;
        *end = '\0';
        while (isspace((unsigned char)*text))
                text++;
        return text;
}

static int read_value(const struct line *l, const struct key *key, const char *value, struct holt_conf *c)
{
        char what[128];

        if (key->read(value, c) == 0)
                return 0;
        snprintf(what, sizeof(what), "is no value of %s: it wants %s", key->name, key->wants);
        return wrong(l, value, what);
}

static int read_line(const struct line *l, char *text, bool seen[ARRAY_SIZE(keys)], struct holt_conf *c)
{
        char *value, *name;

        text[strcspn(text, "#")] = '\0';
        name = trim(text);
        if (!*name)
                return 0;
        value = strchr(name, '=');
        if (!value)
                return wrong(l, name, "is no KEY = VALUE");
        *value++ = '\0';
        name = trim(name);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (strcmp(keys[i].name, name) != 0)
                        continue;
                if (seen[i])
                        return wrong(l, name, "is there twice");
                seen[i] = true;
                return read_value(l, &keys[i], trim(value), c);
        }
        return wrong(l, name, "is no key that is known, see holt.conf(5)");
}

/* ---- all of them ---- */

int holt_conf_parse(const char *name, const char *text, size_t len, struct holt_conf *ret, struct error *err)
{
        struct line l = { .file = name, .number = 1, .err = err };
        struct holt_conf c = holt_conf_default();
        bool seen[ARRAY_SIZE(keys)] = {};

        if (len > MAX_FILE)
                return error_set(err, EFBIG, "%s: it is too large: more than %d KB", name, MAX_FILE >> 10);
        for (const char *end = text + len; text < end; l.number++) {
                const char *stop = memchr(text, '\n', (size_t)(end - text));
                size_t n = (size_t)((stop ? stop : end) - text);
                char copy[MAX_LINE];
                int r;

                if (n >= sizeof(copy) || memchr(text, '\0', n))
                        return error_set(err, EINVAL, "%s:%u: this is no line of a text", name, l.number);
                memcpy(copy, text, n);
                copy[n] = '\0';
                r = read_line(&l, copy, seen, &c);
                if (r < 0)
                        return r;
                text = stop ? stop + 1 : end;
        }
        *ret = c;
        return 0;
}

int holt_conf_read(struct holt_conf *ret, struct error *err)
{
        const char *path = holt_conf_path();
        own_buf struct buf text = {};
        own_fd int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_read_all(fd, MAX_FILE, &text);

        if (r == -ENOENT || r == -ENOTDIR) {
                *ret = holt_conf_default();
                return 1;
        }
        return r < 0 ? error_errno(err, -r, "read %s", path)
                     : holt_conf_parse(path, buf_str(&text), text.len, ret, err);
}
