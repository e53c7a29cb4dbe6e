/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"

enum { MAX_ALIASES = 40 };

void archive_init(struct archive *a, struct host *h, int directory)
{
        *a = (struct archive){ .host = h, .directory = directory };
}

void archive_layer_finish(struct archive_layer *l)
{
        if (l->image >= 0)
                close(take_fd(&l->image));
        if (l->recipe >= 0)
                close(take_fd(&l->recipe));
}

/* All but its name. */
static void empty(struct archive *a, struct archive_entry *e)
{
        if (e->kind == ARCHIVE_LAYER) {
                archive_layer_finish(&e->layer);
                a->n_layers--;
        }
        a->text_bytes -= e->len;
        free(e->text);
        *e = (struct archive_entry){ .name = e->name };
}

void archive_finish(struct archive *a)
{
        for (size_t i = 0; i < a->n_entries; i++) {
                empty(a, &a->entries[i]);
                free(a->entries[i].name);
        }
        free(a->entries);
        *a = (struct archive){};
}

/* Takes the last component away. */
static size_t cut(const char *path, size_t len)
{
        while (len && path[len - 1] != '/')
                len--;
        return len ? len - 1 : 0;
}

char *archive_name(const char *from, const char *name)
{
        char *path = malloc((from ? strlen(from) : 0) + strlen(name) + 2);
        size_t len = 0;

        if (!path)
                return NULL;
        if (from && *name != '/') {
                len = cut(from, strlen(from));
                memcpy(path, from, len);
        }
        for (const char *p = name + strspn(name, "/"); *p; p += strspn(p, "/")) {
                size_t n = strcspn(p, "/");

                if (n == 2 && memcmp(p, "..", 2) == 0) {
                        len = cut(path, len);
                } else if (n != 1 || *p != '.') {
                        if (len)
                                path[len++] = '/';
                        memcpy(path + len, p, n);
                        len += n;
                }
                p += n;
        }
        path[len] = '\0';
        return path;
}

static struct archive_entry *find(const struct archive *a, const char *name)
{
        for (size_t i = 0; i < a->n_entries; i++)
                if (strcmp(a->entries[i].name, name) == 0)
                        return &a->entries[i];
        return NULL;
}

static struct archive_entry *append(struct archive *a, char *name, struct error *err)
{
        if (a->n_entries == ARCHIVE_MAX_ENTRIES ||
            array_grow(&a->entries, &a->cap, a->n_entries + 1, sizeof *a->entries) < 0) {
                error_set(err, a->n_entries == ARCHIVE_MAX_ENTRIES ? E2BIG : ENOMEM,
                          "the archive has too many entries");
                free(name);
                return NULL;
        }
        a->text_bytes += strlen(name);
        a->entries[a->n_entries] = (struct archive_entry){ .name = name };
        return &a->entries[a->n_entries++];
}

struct archive_entry *archive_add(struct archive *a, const char *name, enum archive_kind kind, struct error *err)
{
        char *plain = archive_name(NULL, name);
        struct archive_entry *e;

        if (!plain) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        e = find(a, plain);
        if (e) {
                free(plain);
                empty(a, e);
        } else {
                e = append(a, plain, err);
        }
        if (!e)
                return NULL;
        if (kind == ARCHIVE_LAYER && a->n_layers == ARCHIVE_MAX_LAYERS) {
                error_set(err, E2BIG, "the archive has more than %d layers", ARCHIVE_MAX_LAYERS);
                return NULL;
        }
        a->n_layers += kind == ARCHIVE_LAYER;
        e->kind = kind;
        e->layer.image = e->layer.recipe = -1;
        return e;
}

int archive_add_text(struct archive *a, struct archive_entry *e, size_t len, struct error *err)
{
        if (len > ARCHIVE_MAX_TEXT || a->text_bytes > ARCHIVE_MAX_TEXT - len)
                return error_set(err, E2BIG, "the archive's documents are larger than %d bytes", ARCHIVE_MAX_TEXT);
        e->text = malloc(len + 1);
        if (!e->text)
                return error_set(err, ENOMEM, "out of memory");
        e->text[len] = '\0';
        e->len = len;
        a->text_bytes += len;
        return 0;
}

static struct archive_entry *resolve(const struct archive *a, const char *name)
{
        struct archive_entry *e = find(a, name);

        for (int i = 0; e && e->kind == ARCHIVE_ALIAS; i++)
                e = i < MAX_ALIASES ? find(a, e->text) : NULL;
        return e;
}

struct archive_entry *archive_find(const struct archive *a, const char *name)
{
        own_mem char *plain = archive_name(NULL, name);

        return plain ? resolve(a, plain) : NULL;
}

int archive_document(struct archive *a, const char *name, const char **ret, size_t *ret_len, struct error *err)
{
        struct archive_entry *e = archive_find(a, name);

        if (!e && a->directory >= 0) {
                int r = archive_read_file(a, name, NULL, err);

                if (r < 0)
                        return error_wrap(err, "%s", name);
                e = archive_find(a, name);
        }
        if (!e)
                return 0;
        if (e->kind != ARCHIVE_DOCUMENT)
                return error_set(err, EBADMSG, "%s: not a document, or one of more than %d bytes", name,
                                 ARCHIVE_MAX_DOCUMENT);
        *ret = e->text;
        *ret_len = e->len;
        return 1;
}

static int check_layer(const char *name, const struct archive_layer *l, const struct archive_wanted *w,
                       struct error *err)
{
        if (l->failure.code) {
                *err = l->failure;
                return error_wrap(err, "%s", name);
        }
        if (w->blob && !digest_equal(w->blob, &l->blob))
                return error_set(err, EBADMSG, "%s: it has the digest %s", name, l->blob.text);
        if (w->blob_size != UINT64_MAX && w->blob_size != l->blob_size)
                return error_set(err, EBADMSG, "%s: it has %llu bytes instead of %llu", name,
                                 (unsigned long long)l->blob_size, (unsigned long long)w->blob_size);
        if (!digest_equal(w->diff_id, &l->diff_id))
                return error_set(err, EBADMSG, "%s: its archive has the digest %s instead of %s", name, l->diff_id.text,
                                 w->diff_id->text);
        return 0;
}

int archive_layer(struct archive *a, const char *name, const struct archive_wanted *w, struct archive_layer **ret,
                  struct error *err)
{
        struct archive_entry *e = archive_find(a, name);
        int r;

        if (!e && a->directory >= 0) {
                r = archive_read_file(a, name, w, err);
                if (r < 0)
                        return error_wrap(err, "%s", name);
                e = archive_find(a, name);
        }
        if (!e)
                return error_set(err, ENOENT, "%s is not in the archive", name);
        if (e->kind != ARCHIVE_LAYER)
                return error_set(err, EBADMSG, "%s is no layer", name);
        r = check_layer(name, &e->layer, w, err);
        if (r == 0)
                *ret = &e->layer;
        return r;
}
