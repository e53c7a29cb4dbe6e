/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "base/own.h"
#include "base/rfc3339.h"
#include "store/store_private.h"

static int read_manifest(struct store *s, const struct digest *d, struct image_manifest *ret, struct error *err)
{
        own_buf struct buf text = {};
        int r = store_blob_read(s, d, &text, err);

        if (r == 0)
                r = image_manifest_read(buf_str(&text), text.len, NULL, ret, err);
        return r < 0 ? error_wrap(err, "manifest %s", d->text) : 0;
}

static int read_config(struct store *s, const struct digest *d, struct image_config *ret, struct error *err)
{
        own_buf struct buf text = {};
        int r = store_blob_read(s, d, &text, err);

        if (r == 0)
                r = image_config_read(buf_str(&text), text.len, ret, err);
        return r < 0 ? error_wrap(err, "configuration %s", d->text) : 0;
}

static int check_layers(struct store *s, const struct image_config *c, struct error *err)
{
        for (size_t i = 0; i < c->n_diff_ids; i++) {
                enum file_state state;
                int r = layer_is_good(s, &c->diff_ids[i], &state, err);

                if (r < 0)
                        return r;
                if (r == 0)
                        return error_set(err, ENOENT, "layer %s %s", c->diff_ids[i].text, file_state_text(state));
        }
        return 0;
}

static int enter_layers(struct store *s, const struct digest *id, const struct image_config *c, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < c->n_diff_ids && r >= 0; i++)
                r = database_run(&s->database, err,
                                 "INSERT OR IGNORE INTO image_layer(image, position, diff_id) VALUES(?1, ?2, ?3)",
                                 "did", id, (int64_t)i, &c->diff_ids[i]);
        return r;
}

/* An image that is there already keeps the time when it came; its manifest is the newest. */
static int enter(struct store *s, const struct digest *manifest, const struct digest *id, const struct image_config *c,
                 struct error *err)
{
        const struct platform *p = &c->platform;
        int64_t created = 0;
        int r;

        /* A time that cannot be read is none. */
        rfc3339_parse(c->created, &created);
        r = database_run(&s->database, err,
                         "INSERT INTO image(id, manifest, created, added, os, architecture, variant, os_version) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
                         "ON CONFLICT(id) DO UPDATE SET manifest = excluded.manifest",
                         "ddiitttt", id, manifest, created, (int64_t)time(NULL), p->os, p->architecture, p->variant,
                         p->os_version);
        if (r >= 0)
                r = enter_layers(s, id, c, err);
        if (r >= 0)
                r = database_run(&s->database, err,
                                 "INSERT OR IGNORE INTO image_manifest(image, digest) VALUES(?1, ?2)", "dd", id,
                                 manifest);
        return r < 0 ? r : 0;
}

int image_enter(struct store *s, const struct digest *manifest, struct digest *ret_id, struct error *err)
{
        own_image_manifest struct image_manifest m = {};
        own_image_config struct image_config c = {};
        int r = read_manifest(s, manifest, &m, err);

        if (r == 0)
                r = read_config(s, &m.config.digest, &c, err);
        if (r == 0 && c.n_diff_ids != m.n_layers)
                r = error_set(err, EBADMSG, "manifest %s has %zu layers, its configuration %zu", manifest->text,
                              m.n_layers, c.n_diff_ids);
        if (r == 0)
                r = check_layers(s, &c, err);
        if (r == 0)
                r = enter(s, manifest, &m.config.digest, &c, err);
        if (r < 0)
                return r;
        *ret_id = m.config.digest;
        return 0;
}

/* The digest that a registry gave and that of the manifest differ when the first is of an index. */
static int give_names(struct store *s, const struct digest *id, const struct digest *manifest,
                      const struct reference *name, struct error *err)
{
        own_buf struct buf repository = {};
        int r = *name->tag ? name_give(s, id, name, err) : 0;

        reference_add_name(&repository, name);
        if (r == 0 && buf_failed(&repository))
                r = error_set(err, ENOMEM, "out of memory");
        if (r == 0)
                r = digest_name_give(s, id, buf_str(&repository), manifest, err);
        if (r == 0 && *name->digest.text)
                r = digest_name_give(s, id, buf_str(&repository), &name->digest, err);
        return r;
}

static int add(struct store *s, const struct digest *manifest, const struct reference *name, const char *owner,
               enum transaction_kind kind, struct error *err)
{
        own_transaction struct transaction t = {};
        struct digest id = {};
        int r = transaction_begin(&t, &s->database, kind, err);

        if (r == 0)
                r = image_enter(s, manifest, &id, err);
        if (r == 0 && name)
                r = give_names(s, &id, manifest, name, err);
        if (r == 0 && owner)
                r = image_hold(s, &id, owner, err);
        if (r < 0)
                return r;
        if (name)
                names_copy_write(s);
        r = transaction_commit(&t, err);
        if (r < 0)
                return r;
        blob_unpin(s, manifest);
        blob_unpin(s, &id);
        later_go(&s->later);
        return 0;
}

int store_image_add(struct store *s, const struct digest *manifest, const struct reference *name, struct error *err)
{
        return add(s, manifest, name, NULL, TRANSACTION_DURABLE, err);
}

int store_image_add_for(struct store *s, const struct digest *manifest, const struct reference *name, const char *owner,
                        struct error *err)
{
        return add(s, manifest, name, owner, owner || name ? TRANSACTION_DURABLE : TRANSACTION_CHANGE, err);
}
