/* SPDX-License-Identifier: Apache-2.0 */
/* { "names": { "docker.io/library/debian:12": "sha256:..." }, "digests": [ ["docker.io/library/debian", DIGEST, ID] ] }
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/own.h"
#include "store/store_private.h"
#include "sys/fd.h"

#define COPY "names.json"

/* Names for a million images. */
enum { COPY_MAX = 256 << 20 };

static int write_names(struct store *s, struct json_writer *w)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, NULL, "SELECT name, image FROM name ORDER BY name", "");

        if (r < 0)
                return r;
        json_begin_object(w, "names");
        while ((r = query_next(&q, NULL)) > 0)
                json_write_string(w, query_text(&q, 0), query_text(&q, 1));
        json_end_object(w);
        return r;
}

static int write_digests(struct store *s, struct json_writer *w)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, NULL,
                            "SELECT repository, digest, image FROM repository_digest ORDER BY repository, digest", "");

        if (r < 0)
                return r;
        json_begin_array(w, "digests");
        while ((r = query_next(&q, NULL)) > 0) {
                json_begin_array(w, NULL);
                for (int i = 0; i < 3; i++)
                        json_write_string(w, NULL, query_text(&q, i));
                json_end_array(w);
        }
        json_end_array(w);
        return r;
}

void names_copy_write(struct store *s)
{
        own_buf struct buf text = {};
        struct json_writer w = { .out = &text, .indent = 1 };

        json_begin_object(&w, NULL);
        if (write_names(s, &w) < 0 || write_digests(s, &w) < 0)
                return;
        json_end_object(&w);
        if (!buf_failed(&text))
                fd_replace_file_at(s->root_fd, COPY, text.data, text.len, 0600);
}

static int has_image(struct store *s, const char *text, struct digest *ret, struct error *err)
{
        if (!text || digest_parse(text, ret, NULL) < 0)
                return 0;
        return database_has(&s->database, err, "SELECT 1 FROM image WHERE id = ?1", "d", ret);
}

struct reader {
        struct store *store;
        struct error *err;
};

static int read_name(const char *name, struct json_object *value, void *userdata)
{
        struct reader *reader = userdata;
        struct reference ref;
        struct digest id;
        int r;

        if (reference_parse(name, &ref, NULL) < 0 || !*ref.tag)
                return 0;
        r = has_image(reader->store, json_string_value(value), &id, reader->err);
        return r > 0 ? name_give(reader->store, &id, &ref, reader->err) : r;
}

static int read_digest(struct store *s, struct json_object *entry, struct error *err)
{
        const char *strings[3];
        struct digest id, d;
        int r;

        if (!json_is_array(entry) || json_array_size(entry) != ARRAY_SIZE(strings))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
                strings[i] = json_string_value(json_array_item(entry, i));
                if (!strings[i])
                        return 0;
        }
        if (digest_parse(strings[1], &d, NULL) < 0)
                return 0;
        r = has_image(s, strings[2], &id, err);
        return r > 0 ? digest_name_give(s, &id, strings[0], &d, err) : r;
}

static int read_all(struct store *s, struct json_object *root, struct error *err)
{
        struct reader reader = { s, err };
        struct json_object *names = NULL, *digests = NULL;
        int r = 0;

        if (json_get_object(root, "names", &names, NULL) == 1)
                r = json_each(names, read_name, &reader);
        if (json_get_array(root, "digests", &digests, NULL) != 1)
                return r;
        for (size_t i = 0; i < json_array_size(digests) && r == 0; i++)
                r = read_digest(s, json_array_item(digests, i), err);
        return r;
}

int names_copy_read(struct store *s, struct error *err)
{
        own_fd int fd = openat(s->root_fd, COPY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        own_json struct json_object *root = NULL;
        own_buf struct buf text = {};
        int r = fd < 0 ? -errno : fd_read_all(fd, COPY_MAX, &text);

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return error_errno(err, -r, "read " COPY);
        /* One that cannot be read has no names. */
        if (json_parse(buf_str(&text), text.len, &root, NULL) < 0 || !json_is_object(root))
                return 0;
        return read_all(s, root, err);
}
