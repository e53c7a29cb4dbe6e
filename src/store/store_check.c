/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/own.h"
#include "store/layer_unpacked.h"
#include "store/store_private.h"
#include "store/store_strays.h"

struct check {
        struct store *store;
        const struct store_checker *checker;
        int left; /* findings that were not put right */
};

__attribute__((format(printf, 3, 4))) static void found(struct check *c, bool repaired, const char *format, ...)
{
        char text[512];
        va_list values;

        va_start(values, format);
        vsnprintf(text, sizeof text, format, values);
        va_end(values);
        if (c->checker->found)
                c->checker->found(c->checker->userdata, text, repaired);
        if (!repaired && c->left < INT_MAX)
                c->left++;
}

/* The rows of a PRAGMA that finds faults, without that which says that there is none. */
static int check_pragma(struct check *c, const char *sql, const char *none, struct error *err)
{
        own_query struct query q = {};
        int n = 0, r = query_begin(&q, &c->store->database, err, sql, "");

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                if (strcmp(query_text(&q, 0), none) == 0)
                        continue;
                found(c, false, "the database is damaged: %s", query_text(&q, 0));
                n++;
        }
        if (r == 0 && n)
                r = error_set(err, EUCLEAN, "the store's database is damaged");
        return r;
}

struct digest_list {
        struct digest *digests;
        size_t n, cap;
};

static int load(struct store *s, const char *sql, struct digest_list *ret, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &s->database, err, sql, "");

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0) {
                if (array_grow(&ret->digests, &ret->cap, ret->n + 1, sizeof *ret->digests) < 0)
                        return error_set(err, ENOMEM, "out of memory");
                query_digest(&q, 0, &ret->digests[ret->n++]);
        }
        return r;
}

/* What was found bad, without having anybody kept away meanwhile. */
struct suspect {
        enum file_kind kind;
        const struct digest *digest;
        ino_t wrong_content; /* that of the file which has it, or 0 */
};

/* In a transaction: whether it is bad still, not gone or replaced. 1, 0 or an error. */
static int is_bad(struct store *s, const struct suspect *p, struct error *err)
{
        char path[FILE_PATH_SIZE];
        struct stat st;
        int r = removal_has_row(s, p->kind, p->digest, err);

        if (r <= 0)
                return r;
        r = p->kind == FILE_LAYER ? layer_is_good(s, p->digest, NULL, err) : blob_is_good(s, p->digest, err);
        if (r <= 0)
                return r < 0 ? r : 1;
        file_path(p->kind, p->digest, path);
        return fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == p->wrong_content;
}

/* 1: row and file have gone; 0: it is not bad any more. -EBUSY: somebody uses the file all the same. */
static int drop(struct store *s, const struct suspect *p, struct error *err)
{
        own_transaction struct transaction t = {};
        struct removal m = {};
        int bad = 0, r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = bad = is_bad(s, p, err);
        if (r > 0)
                r = removal_add(s, &m, p->kind, p->digest, err);
        if (r == 0 && bad)
                r = transaction_commit(&t, err);
        if (r == 0 && bad)
                r = removal_finish_files(s, &m, err);
        removal_end(&m);
        return r < 0 ? r : bad;
}

static int confirm(struct store *s, const struct suspect *p, struct error *err)
{
        const bool read_only = database_is_read_only(&s->database);
        own_transaction struct transaction t = {};
        int r = transaction_begin(&t, &s->database, read_only ? TRANSACTION_READ : TRANSACTION_CHANGE, err);

        return r < 0 ? r : is_bad(s, p, err);
}

static int bad(struct check *c, const struct suspect *p, const char *what, struct error *err)
{
        const char *kind = p->kind == FILE_LAYER ? "layer" : "blob";
        int r = c->checker->repair ? drop(c->store, p, err) : -EBUSY;
        bool dropped = r > 0;

        if (r == -EBUSY)
                r = confirm(c->store, p, err);
        if (r > 0)
                found(c, dropped, "%s %s %s%s", kind, p->digest->text, what, dropped ? ": forgotten" : "");
        return r < 0 ? r : 0;
}

/* What was not yet synced is synced now: nobody else may be about to do so any more. */
static void sync_file(struct store *s, enum file_kind kind, const struct digest *d)
{
        char path[FILE_PATH_SIZE];
        own_fd int fd = -1;
        struct stat st;

        file_path(kind, d, path);
        fd = file_lock(s, path, LOCK_SH, NULL);
        if (fd >= 0 && fstat(fd, &st) == 0 && st.st_mode & S_IWUSR && fdatasync(fd) == 0)
                fchmod(fd, FILE_MODE_SYNCED);
}

/* 1: whole, 0: not (*ret_ino is the file's), or an error. */
static int verify(struct check *c, const struct digest *d, ino_t *ret_ino, struct error *err)
{
        own_fd int image = -1, recipe = -1;
        struct layer_info info;
        struct stat st = {};
        int r;

        image = store_layer_open(c->store, d, &info, &recipe, err);
        if (image < 0)
                return image == -ENOENT ? 0 : image;
        if (fstat(image, &st) < 0)
                return error_errno(err, errno, "look at layer %s", d->text);
        *ret_ino = st.st_ino;
        if (!layer_looks_whole(image))
                return 0;
        if (!c->checker->verify)
                return 1;
        r = c->checker->verify(c->checker->userdata, &info, image, recipe, err);
        return r == -EBADMSG ? 0 : r < 0 ? r : 1;
}

static int check_layer(struct check *c, const struct digest *d, struct error *err)
{
        struct suspect p = { .kind = FILE_LAYER, .digest = d };
        enum file_state state;
        int r = layer_is_good(c->store, d, &state, err);

        if (r < 0)
                return r;
        if (r == 0)
                return bad(c, &p, file_state_text(state), err);
        r = verify(c, d, &p.wrong_content, err);
        if (r < 0)
                return r;
        if (r == 0)
                return bad(c, &p, "is damaged", err);
        sync_file(c->store, FILE_LAYER, d);
        sync_file(c->store, FILE_RECIPE, d);
        return 0;
}

static int check_blob(struct check *c, const struct digest *d, struct error *err)
{
        const struct suspect p = { .kind = FILE_BLOB, .digest = d };
        own_buf struct buf text = {};
        int r = store_blob_read(c->store, d, &text, err);

        if (r == -ENOENT)
                return bad(c, &p, "is missing or damaged", err);
        if (r == 0)
                sync_file(c->store, FILE_BLOB, d);
        return r;
}

int store_layer_forget(struct store *s, const struct digest *diff_id, struct error *err)
{
        own_transaction struct transaction t = {};
        struct removal m = {};
        int r = transaction_begin(&t, &s->database, TRANSACTION_CHANGE, err);

        if (r == 0)
                r = removal_add(s, &m, FILE_LAYER, diff_id, err);
        if (r == 0)
                r = transaction_commit(&t, err);
        if (r == 0)
                r = removal_finish_files(s, &m, err);
        removal_end(&m);
        later_go(&s->later);
        return r == -EBUSY ? error_set(err, EBUSY, "layer %s is in use", diff_id->text) : r;
}

static int check_each(struct check *c, const char *sql,
                      int (*each)(struct check *c, const struct digest *d, struct error *err), struct error *err)
{
        struct digest_list list = {};
        int r = load(c->store, sql, &list, err);

        for (size_t i = 0; i < list.n && r == 0; i++)
                r = each(c, &list.digests[i], err);
        free(list.digests);
        return r;
}

/* Only who has the image elsewhere can put it right. */
static int check_images(struct check *c, struct error *err)
{
        own_query struct query q = {};
        int r = query_begin(&q, &c->store->database, err,
                            "SELECT image, 'layer', diff_id FROM image_layer WHERE NOT EXISTS "
                            "(SELECT 1 FROM layer WHERE layer.diff_id = image_layer.diff_id) "
                            "UNION SELECT id, 'its configuration', id FROM image WHERE NOT EXISTS "
                            "(SELECT 1 FROM blob WHERE blob.digest = image.id) "
                            "UNION SELECT id, 'its manifest', manifest FROM image WHERE NOT EXISTS "
                            "(SELECT 1 FROM blob WHERE blob.digest = image.manifest)",
                            "");

        if (r < 0)
                return r;
        while ((r = query_next(&q, err)) > 0)
                found(c, false, "image %s lacks %s %s: pull it again, or remove it", query_text(&q, 0),
                      query_text(&q, 1), query_text(&q, 2));
        return r;
}

static int check_strays(struct check *c, struct error *err)
{
        struct store_collected done = {};
        struct stray_list list = {};
        int r = strays_find(c->store, &list, err);

        if (r == 0 && list.n && c->checker->repair)
                r = strays_remove(c->store, &done, err);
        for (size_t i = 0; i < list.n && r == 0; i++)
                found(c, c->checker->repair, "%s belongs to nothing", list.strays[i].path);
        free(list.strays);
        return r;
}

struct unpacked_check {
        struct store *store;
        struct error *err;
        struct buf bad; /* names, each with a letter before and a NUL behind it: 'n' of no layer, 'p' a part of one */
};

static int has_layer(struct store *s, const struct unpacked_layer *u, struct error *err)
{
        struct digest d;

        return file_digest(u->name, u->hex, &d)
                       ? database_has(&s->database, err, "SELECT 1 FROM layer WHERE diff_id = ?1", "d", &d)
                       : 0;
}

static int look_at_unpacked(void *userdata, const struct unpacked_layer *u)
{
        struct unpacked_check *c = userdata;
        int known = u->whole ? has_layer(c->store, u, c->err) : 0;

        if (known)
                return known < 0 ? known : 0;
        buf_add(&c->bad, u->whole ? "n" : "p", 1);
        buf_add(&c->bad, u->name, strlen(u->name) + 1);
        return 0;
}

static int drop_unpacked(struct check *c, const char *bad, struct error *err)
{
        int r = strchr(bad, '.') ? 0 : layer_unpacked_forget(c->store, bad + 1, err);

        if (r == 0)
                found(c, true, "unpacked/%s %s", bad + 1, *bad == 'n' ? "belongs to nothing" : "is not whole");
        return r;
}

/* What is not whole is taken for none, but takes room. */
static int check_unpacked(struct check *c, struct error *err)
{
        struct unpacked_check u = { .store = c->store, .err = err };
        int r = layer_unpacked_each(c->store, look_at_unpacked, &u, err);
        const char *bad = buf_str(&u.bad), *end = bad + u.bad.len;

        if (r == 0 && buf_failed(&u.bad))
                r = error_set(err, ENOMEM, "out of memory");
        for (; r == 0 && bad < end; bad += strlen(bad) + 1) {
                if (c->checker->repair)
                        r = drop_unpacked(c, bad, err);
                else
                        found(c, false, "unpacked/%s %s", bad + 1, *bad == 'n' ? "belongs to nothing" : "is not whole");
        }
        if (r == 0 && u.bad.len && c->checker->repair)
                r = layer_unpacked_sweep(c->store, err);
        buf_finish(&u.bad);
        return r;
}

static int repair_names_copy(struct check *c, struct error *err)
{
        own_transaction struct transaction t = {};
        int r = c->checker->repair ? transaction_begin(&t, &c->store->database, TRANSACTION_CHANGE, err) : 0;

        if (t.database)
                names_copy_write(c->store);
        return r;
}

int store_check(struct store *s, const struct store_checker *checker, struct error *err)
{
        struct check c = { .store = s, .checker = checker };
        int r = check_pragma(&c, "PRAGMA integrity_check", "ok", err);

        if (r == 0)
                r = check_pragma(&c, "PRAGMA foreign_key_check", "", err);
        if (r == 0)
                r = check_each(&c, "SELECT diff_id FROM layer", check_layer, err);
        if (r == 0)
                r = check_each(&c, "SELECT digest FROM blob", check_blob, err);
        if (r == 0)
                r = check_images(&c, err);
        if (r == 0 && !database_is_read_only(&s->database))
                r = check_strays(&c, err);
        if (r == 0)
                r = check_unpacked(&c, err);
        if (r == 0)
                r = repair_names_copy(&c, err);
        later_go(&s->later);
        return r < 0 ? r : c.left;
}
