/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/volume_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/own.h"
#include "base/parse.h"

static bool is_one_of(const char *word, const char *const *words)
{
        for (; *words; words++) {
                if (strcmp(word, *words) == 0)
                        return true;
        }
        return false;
}

static int end(const struct buf *out, struct error *err)
{
        return buf_failed(out) ? error_set(err, ENOMEM, "out of memory") : 0;
}

/* ---- binds ---- */

struct bind {
        bool read_only, is_writable_below, is_flat;
        const char *propagation;
};

static int read_word(const char *word, struct bind *b, struct buf *attributes, struct error *err)
{
        /* Labels of SELinux (selinux_instance.h); consistency on a Mac; copying into new volumes. */
        static const char *const nothing[] = {
                "", "z", "Z", "copy", "nocopy", "cached", "delegated", "consistent", NULL
        };
        static const char *const propagations[] = {
                "private", "rprivate", "shared", "rshared", "slave", "rslave", NULL
        };
        static const char *const kept[] = { "exec",    "noexec", "suid",   "nosuid",   "dev",         "nodev", "atime",
                                            "noatime", "idmap",  "ridmap", "relatime", "strictatime", NULL };

        if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
                b->read_only = word[1] == 'o';
        else if (strcmp(word, "writable-below") == 0)
                b->is_writable_below = true;
        else if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0)
                b->is_flat = *word == 'b';
        else if (is_one_of(word, propagations))
                b->propagation = word;
        else if (is_one_of(word, kept))
                buf_addf(attributes, ",%s", word);
        else if (!is_one_of(word, nothing))
                return error_set(err, EINVAL, "the option \"%s\" is unknown", word);
        return 0;
}

int volume_options_of_bind(const char *text, struct buf *out, const char **ret_idmap, struct error *err)
{
        own_mem char *copy = strdup(text);
        own_buf struct buf attributes = {};
        struct bind b = { .propagation = "rprivate" };
        char *rest = copy, *word;
        const char *idmap = NULL;
        int r = 0;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        while (r == 0 && (word = strsep(&rest, ","))) {
                if (strncmp(word, "idmap=", 6) == 0) {
                        idmap = text + (word - copy) + 6;
                        r = volume_options_check_idmap(word + 6, err);
                } else {
                        r = read_word(word, &b, &attributes, err);
                }
        }
        if (r < 0)
                return r;
        buf_addf(out, "%s%s%s%s,%s", b.is_flat ? "bind" : "rbind", b.read_only ? ",ro" : "",
                 b.read_only && !b.is_flat && !b.is_writable_below ? ",rro" : "", buf_str(&attributes), b.propagation);
        *ret_idmap = idmap;
        out->failed |= attributes.failed;
        return end(out, err);
}

/* ---- tmpfs ---- */

static int add_size(const char *word, const char *value, struct buf *out, struct error *err)
{
        int64_t size;

        /* The kernel takes a part of all memory as well. */
        if (value[strspn(value, "0123456789")] == '%') {
                buf_addf(out, ",%s", word);
                return 0;
        }
        if (parse_size(value, &size) < 0 || size < 0)
                return error_set(err, EINVAL, "\"%s\" is no size such as 64m", value);
        buf_addf(out, ",size=%" PRId64, size);
        return 0;
}

static int add_mode(const char *word, const char *value, struct buf *out, struct error *err)
{
        uint64_t mode;

        if (parse_u64(value, 8, &mode) < 0 || mode > 07777)
                return error_set(err, EINVAL, "\"%s\" is no mode such as 1777", value);
        buf_addf(out, ",%s", word);
        return 0;
}

static int add_word(const char *word, struct buf *out, struct error *err)
{
        static const char *const known[] = {
                "ro",       "rw",         "exec",        "noexec",        "suid",       "nosuid",      "dev",
                "nodev",    "sync",       "async",       "atime",         "noatime",    "diratime",    "nodiratime",
                "relatime", "norelatime", "strictatime", "nostrictatime", "tmpcopyup",  "private",     "rprivate",
                "shared",   "rshared",    "slave",       "rslave",        "unbindable", "runbindable", NULL
        };
        static const char *const valued[] = { "uid=", "gid=", "nr_inodes=", "nr_blocks=", "mpol=", NULL };

        if (strncmp(word, "size=", 5) == 0)
                return add_size(word, word + 5, out, err);
        if (strncmp(word, "mode=", 5) == 0)
                return add_mode(word, word + 5, out, err);
        for (const char *const *v = valued; *v; v++) {
                size_t n = strlen(*v);

                if (strncmp(word, *v, n) == 0 && word[n]) {
                        buf_addf(out, ",%s", word);
                        return 0;
                }
        }
        if (!*word || strcmp(word, "notmpcopyup") == 0)
                return 0;
        if (!is_one_of(word, known))
                return error_set(err, EINVAL, "the option \"%s\" is unknown", word);
        buf_addf(out, ",%s", word);
        return 0;
}

int volume_options_of_tmpfs(const char *text, struct buf *out, struct error *err)
{
        own_mem char *copy = strdup(text);
        char *rest = copy, *word;
        int r = 0;

        if (!copy)
                return error_set(err, ENOMEM, "out of memory");
        buf_add_str(out, "noexec,nosuid,nodev");
        while (r == 0 && (word = strsep(&rest, ",")))
                r = add_word(word, out, err);
        return r < 0 ? r : end(out, err);
}

/* ---- mappings ---- */

/* Takes the next of "A-B-COUNT#A-B-COUNT". */
static const char *next_mapping(const char *p, uint32_t ret[3])
{
        char digits[12];

        for (size_t i = 0; i < 3; i++) {
                size_t n = strspn(p, "0123456789");

                if (!n || n >= sizeof digits)
                        return NULL;
                memcpy(digits, p, n);
                digits[n] = '\0';
                if (parse_u32(digits, 10, &ret[i]) < 0)
                        return NULL;
                p += n;
                if (i < 2 && *p++ != '-')
                        return NULL;
        }
        return p;
}

/* What stands behind "uids=" or "gids=". */
static const char *find_list(const char *text, const char *name)
{
        const char *gids = strstr(text, ";gids=");

        if (strcmp(name, "gids") == 0)
                return gids ? gids + 6 : NULL;
        return strncmp(text, "uids=", 5) == 0 ? text + 5 : NULL;
}

static bool is_list(const char *p)
{
        uint32_t m[3];

        while (p) {
                p = next_mapping(p, m);
                if (p && *p != '#')
                        return !*p || *p == ';' || *p == ',';
                p = p ? p + 1 : p;
        }
        return false;
}

int volume_options_check_idmap(const char *text, struct error *err)
{
        if (is_list(find_list(text, "uids")) && is_list(find_list(text, "gids")))
                return 0;
        return error_set(err, EINVAL, "idmap=%s: must be such as idmap=uids=0-100000-1000;gids=0-100000-1000", text);
}

static void write_list(const char *text, const char *name, const char *key, struct json_writer *w)
{
        const char *p = find_list(text, name);
        uint32_t m[3];

        json_begin_array(w, key);
        while (p && (p = next_mapping(p, m))) {
                json_begin_object(w, NULL);
                json_write_u64(w, "containerID", m[0]);
                json_write_u64(w, "hostID", m[1]);
                json_write_u64(w, "size", m[2]);
                json_end_object(w);
                p = *p == '#' ? p + 1 : NULL;
        }
        json_end_array(w);
}

void volume_options_write_idmap(const char *text, struct json_writer *w)
{
        write_list(text, "uids", "uidMappings", w);
        write_list(text, "gids", "gidMappings", w);
}
