/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/own.h"
#include "registry/auth_document.h"
#include "sys/fd.h"

/* A file that is to change, locked against others of us by a lock on its directory. */
struct target {
        int dir;
        char path[PATH_MAX]; /* no link any more */
        struct json_object *root;
};

static void target_finish(struct target *t)
{
        own_close_(&t->dir);
        json_put(t->root);
}

/* What a link leads to is changed, not the link. */
static int resolve(const char *path, char ret[PATH_MAX], struct error *err)
{
        if (realpath(path, ret))
                return 0;
        if (errno != ENOENT || snprintf(ret, PATH_MAX, "%s", path) >= PATH_MAX)
                return error_errno(err, errno == ENOENT ? ENAMETOOLONG : errno, "open %s", path);
        return 0;
}

static int target_open(const char *path, bool create, struct target *ret, struct error *err)
{
        char parent[PATH_MAX];
        const char *dir;
        int r = resolve(path, ret->path, err);

        if (r < 0)
                return r;
        snprintf(parent, sizeof parent, "%s", ret->path);
        dir = dirname(parent);
        r = create ? fd_mkdir_all(dir, 0700) : 0;
        if (r < 0)
                return error_errno(err, -r, "make %s", dir);
        ret->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret->dir < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "open %s", dir);
        if (flock(ret->dir, LOCK_EX) < 0)
                return error_errno(err, errno, "lock %s", dir);
        return auth_file_read(ret->path, &ret->root, err);
}

static int target_write(struct target *t, const struct buf *text, struct error *err)
{
        char copy[PATH_MAX];
        int r;

        snprintf(copy, sizeof copy, "%s", t->path);
        r = buf_failed(text) ? -ENOMEM : fd_replace_file_at(t->dir, basename(copy), buf_str(text), text->len, 0600);
        return r < 0 ? error_errno(err, -r, "write %s", t->path) : 0;
}

/* --- the new text: the old members, with one entry of "auths" added or taken away --- */

struct rewrite {
        struct json_writer w;
        const char *registry; /* whose entries go; NULL: all */
        const char *entry;    /* the new one, as JSON, or NULL */
        const char *key;      /* its name */
        unsigned removed;
        bool done;
};

static void copy_value(struct rewrite *rw, const char *key, struct json_object *value)
{
        own_buf struct buf text = {};

        json_add_value(&text, value);
        json_write_raw(&rw->w, key, buf_str(&text));
        rw->w.out->failed |= buf_failed(&text);
}

static int copy_entry(const char *key, struct json_object *value, void *userdata)
{
        struct rewrite *rw = userdata;

        if (!rw->registry || auth_key_fits(key, rw->registry, NULL))
                rw->removed++;
        else
                copy_value(rw, key, value);
        return 0;
}

static void write_auths(struct rewrite *rw, struct json_object *old)
{
        json_begin_object(&rw->w, "auths");
        if (old)
                json_each(old, copy_entry, rw);
        if (rw->entry)
                json_write_raw(&rw->w, rw->key, rw->entry);
        json_end_object(&rw->w);
        rw->done = true;
}

static int copy_member(const char *key, struct json_object *value, void *userdata)
{
        struct rewrite *rw = userdata;

        if (strcmp(key, "auths") == 0 && json_is_object(value))
                write_auths(rw, value);
        else
                copy_value(rw, key, value);
        return 0;
}

static void rewrite(struct rewrite *rw, struct json_object *root)
{
        json_begin_object(&rw->w, NULL);
        if (root)
                json_each(root, copy_member, rw);
        if (!rw->done && rw->entry)
                write_auths(rw, NULL);
        json_end_object(&rw->w);
        buf_add_str(rw->w.out, "\n");
}

/* --- storing --- */

static int add_entry(struct buf *out, const struct auth *a, struct error *err)
{
        own_buf struct buf login = {}, text = {};
        struct json_writer w = { .out = out };

        if (strchr(a->username, ':'))
                return error_set(err, EINVAL, "a user's name with a colon cannot be kept");
        buf_addf(&login, "%s:%s", a->username, a->password);
        base64_add(&text, buf_str(&login), login.len);
        json_begin_object(&w, NULL);
        if (login.len > 1)
                json_write_string(&w, "auth", buf_str(&text));
        if (a->identity_token && *a->identity_token)
                json_write_string(&w, "identitytoken", a->identity_token);
        json_end_object(&w);
        return buf_failed(&login) || buf_failed(&text) || buf_failed(out)
                       ? error_set(err, ENOMEM, "store credentials: out of memory")
                       : 0;
}

/* A helper gets them where the file names one; the file then says only that there is something, as Docker has it. */
static int store_entry(struct json_object *root, const char *registry, const struct auth *a, struct buf *entry,
                       struct error *err)
{
        struct auth_helper helper;
        int r = root ? auth_helper_find(root, registry, NULL, &helper, err) : 0;

        if (r < 0)
                return r;
        if (r == 0)
                return add_entry(entry, a, err);
        buf_add_str(entry, "{}");
        return auth_helper_store(&helper, a, err);
}

/* The first of the usual files that is there; else the one that outlives a session. */
static const char *file_for_new(const struct auth_places *p)
{
        for (size_t i = 0; i < AUTH_PLACES; i++) {
                if (p->path[i] && access(p->path[i], F_OK) == 0)
                        return p->path[i];
        }
        return p->path[1] ? p->path[1] : p->path[0];
}

static int store_in(const char *path, const char *registry, const struct auth *a, struct error *err)
{
        struct target t __attribute__((cleanup(target_finish))) = { .dir = -1 };
        own_buf struct buf text = {}, entry = {};
        struct rewrite rw = { .w = { .out = &text, .indent = 2 }, .registry = registry };
        int r = target_open(path, true, &t, err);

        if (r >= 0)
                r = store_entry(t.root, registry, a, &entry, err);
        if (r < 0)
                return r;
        rw.entry = buf_str(&entry);
        /* Docker finds its own registry under the old name alone, podman under both. */
        rw.key = strcmp(registry, "docker.io") == 0 ? AUTH_DOCKER_KEY : registry;
        rewrite(&rw, t.root);
        return target_write(&t, &text, err);
}

int auth_store(const char *file, const char *registry, const struct auth *a, struct error *err)
{
        own_auth_places struct auth_places places = {};
        int r = auth_places_find(file, &places, err);

        return r < 0 ? r : store_in(file_for_new(&places), registry, a, err);
}

/* --- removing --- */

/* Asks the helper of one key of "auths" or "credHelpers". */
struct erase {
        struct json_object *root;
        unsigned erased;
        struct error *err;
};

static int erase_one(struct erase *e, const char *registry)
{
        struct auth_helper helper;
        int r = auth_helper_find(e->root, registry, NULL, &helper, e->err);

        if (r > 0)
                r = auth_helper_erase(&helper, e->err);
        if (r > 0)
                e->erased++;
        return r < 0 ? r : 0;
}

static int erase_key(const char *key, struct json_object *value, void *userdata)
{
        /* A key with a scheme is Docker's own for its registry. */
        return erase_one(userdata, auth_key_fits(key, "docker.io", NULL) ? "docker.io" : key);
}

static int erase_all(struct erase *e)
{
        static const char *const members[] = { "auths", "credHelpers" };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(members) && r == 0; i++) {
                struct json_object *list = NULL;

                r = json_get_object(e->root, members[i], &list, e->err);
                if (r > 0)
                        r = json_each(list, erase_key, e);
        }
        return r;
}

/* 1, or 0 when the file had nothing of it. */
static int remove_from(const char *path, const char *registry, struct error *err)
{
        struct target t __attribute__((cleanup(target_finish))) = { .dir = -1 };
        own_buf struct buf text = {};
        struct rewrite rw = { .w = { .out = &text, .indent = 2 }, .registry = registry };
        struct erase erase = { .err = err };
        int r = target_open(path, false, &t, err);

        if (r <= 0)
                return r;
        erase.root = t.root;
        r = registry ? erase_one(&erase, registry) : erase_all(&erase);
        if (r < 0)
                return error_wrap(err, "%s", path);
        rewrite(&rw, t.root);
        if (rw.removed) {
                r = target_write(&t, &text, err);
                if (r < 0)
                        return r;
        }
        return rw.removed || erase.erased;
}

int auth_remove(const char *file, const char *registry, struct error *err)
{
        own_auth_places struct auth_places places = {};
        bool found = false;
        int r = auth_places_find(file, &places, err);

        for (size_t i = 0; i < AUTH_PLACES && r >= 0; i++) {
                if (!places.path[i])
                        continue;
                r = remove_from(places.path[i], registry, err);
                found |= r > 0;
        }
        if (r < 0)
                return r;
        return found ? 0 : error_set(err, ENOENT, "not logged in to %s", registry ? registry : "any registry");
}
