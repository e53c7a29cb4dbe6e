/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three threads, and that of the caller:
 *
 *   caller ── blob ──> inflate ── archive ──> write (tar reader, EROFS writer, recipe)
 *                         └── both ──> hash
 *
 * A blob that is not compressed is passed on as it comes, and hashed once.
 */
#include "fetch/unpack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/flow.h"
#include "fetch/hash.h"
#include "fetch/inflate.h"
#include "store/layer_write.h"

enum {
        BLOB_PIECES = 4,
        BLOB_PIECE = 256 << 10,
        ARCHIVE_PIECES = 6,
        ARCHIVE_PIECE = 512 << 10,
        THREADS = 3,
        UUID = 16,
};
_Static_assert(BLOB_PIECES + ARCHIVE_PIECES <= FLOW_MAX_PIECES, "they meet in one queue");

/* What a piece in the hash thread's queue is a part of. */
enum { OF_BLOB = 1, OF_ARCHIVE = 2 };

struct unpack {
        struct unpack_options options;
        struct digest blob, diff_id; /* what they have to be, or "" */
        struct flow flow;
        struct flow_pool blob_pool, archive_pool;
        struct flow_queue to_inflate, to_hash, to_write;
        pthread_t threads[THREADS];
        size_t n_threads;
        struct flow_piece *filling; /* by the caller */
        uint64_t blob_size;

        /* Each of one thread, until it has ended. */
        struct flow_piece *inflating, *writing;
        bool looked_at;     /* `inflating` is the first piece, of which nothing was taken yet */
        bool one_algorithm; /* for both digests */
        bool hash_once;     /* the blob is the archive, and its digest that of both */
        enum compression compression;
        uint64_t taken; /* of the blob, to be inflated */
        uint64_t tar_size;
        struct hash *blob_hash, *archive_hash;
        struct layer_writer layer;
        struct tar_recipe_writer *recipe;
        struct tar_reader *tar;
};

/* Gives back the piece at hand for the next. NULL at the end, or when the flow has stopped. */
static struct flow_piece *advance(struct flow_queue *q, struct flow_piece **current)
{
        struct flow_item item;

        if (*current)
                flow_release(*current);
        *current = flow_next(q, &item) ? item.piece : NULL;
        return *current;
}

/* ---- the inflate thread ---- */

static int count_archive(struct unpack *u, size_t n, struct error *err)
{
        uint64_t max = u->options.max_tar_size;

        /* Of a blob whose size nobody has told, what has come of it counts. */
        if (u->options.blob_size == UINT64_MAX && u->compression != COMPRESSION_NONE && inflate_most(u->taken) < max)
                max = inflate_most(u->taken);
        u->tar_size += n;
        if (!max || u->tar_size <= max)
                return 0;
        return error_set(err, EFBIG, "the layer's archive is larger than %llu bytes", (unsigned long long)max);
}

static int pass(struct unpack *u, struct error *err)
{
        int r = 0;

        for (struct flow_piece *p = u->inflating; r == 0 && p; p = advance(&u->to_inflate, &u->inflating)) {
                r = count_archive(u, p->len, err);
                if (r < 0)
                        break;
                flow_put(&u->to_hash, p, u->hash_once ? OF_BLOB : OF_BLOB | OF_ARCHIVE);
                flow_put(&u->to_write, p, 0);
        }
        return r;
}

static ssize_t read_blob(void *userdata, const void **ret, struct error *err)
{
        struct unpack *u = userdata;
        struct flow_piece *p = u->looked_at ? u->inflating : advance(&u->to_inflate, &u->inflating);

        u->looked_at = false;
        if (!p)
                return flow_check(&u->flow, err);
        flow_put(&u->to_hash, p, OF_BLOB);
        *ret = p->data;
        u->taken += p->len;
        return (ssize_t)p->len;
}

static int inflate_all(struct unpack *u, struct error *err)
{
        own_inflate struct inflate *in = inflate_new(u->compression, u->options.portable, read_blob, u, err);
        ssize_t n;
        int r = in ? 0 : -err->code;

        do {
                struct flow_piece *p = r == 0 ? flow_take(&u->archive_pool) : NULL;

                if (!p)
                        return r < 0 ? r : flow_check(&u->flow, err);
                n = inflate_read(in, p->data, ARCHIVE_PIECE, err);
                r = n < 0 ? (int)n : count_archive(u, (size_t)n, err);
                if (r == 0 && n > 0) {
                        p->len = (size_t)n;
                        flow_put(&u->to_hash, p, OF_ARCHIVE);
                        flow_put(&u->to_write, p, 0);
                }
                flow_release(p);
        } while (r == 0 && n == ARCHIVE_PIECE);
        return r;
}

static void *run_inflate(void *userdata)
{
        struct unpack *u = userdata;
        struct flow_piece *first = advance(&u->to_inflate, &u->inflating);
        struct error err = {};
        int r;

        u->compression = first ? compression_of(first->data, first->len) : COMPRESSION_NONE;
        u->looked_at = true;
        u->hash_once = u->compression == COMPRESSION_NONE && u->one_algorithm;
        r = u->compression == COMPRESSION_NONE ? pass(u, &err) : inflate_all(u, &err);
        if (r < 0)
                flow_stop(&u->flow, &err);
        flow_end(&u->to_hash);
        flow_end(&u->to_write);
        if (u->inflating)
                flow_release(u->inflating);
        return NULL;
}

/* ---- the hash thread ---- */

static void *run_hash(void *userdata)
{
        struct unpack *u = userdata;
        struct flow_item item;

        while (flow_next(&u->to_hash, &item)) {
                if (item.tag & OF_BLOB)
                        hash_add(u->blob_hash, item.piece->data, item.piece->len);
                if (item.tag & OF_ARCHIVE)
                        hash_add(u->archive_hash, item.piece->data, item.piece->len);
                flow_release(item.piece);
        }
        return NULL;
}

/* ---- the write thread ---- */

static ssize_t read_archive(void *userdata, const void **ret, struct error *err)
{
        struct unpack *u = userdata;
        struct flow_piece *p = advance(&u->to_write, &u->writing);

        if (!p)
                return flow_check(&u->flow, err);
        *ret = p->data;
        return (ssize_t)p->len;
}

static int keep(void *userdata, const void *data, size_t n, struct error *err)
{
        struct unpack *u = userdata;

        return tar_recipe_add_bytes(u->recipe, data, n, err);
}

static void *run_write(void *userdata)
{
        struct unpack *u = userdata;
        struct error err = {};

        if (layer_writer_add(&u->layer, u->tar, &err) < 0)
                flow_stop(&u->flow, &err);
        if (u->writing)
                flow_release(u->writing);
        return NULL;
}

/* ---- the caller's side ---- */

static void free_all(struct unpack *u)
{
        flow_queue_finish(&u->to_inflate);
        flow_queue_finish(&u->to_hash);
        flow_queue_finish(&u->to_write);
        if (u->filling)
                flow_release(u->filling);
        flow_pool_finish(&u->blob_pool);
        flow_pool_finish(&u->archive_pool);
        flow_finish(&u->flow);
        hash_free(u->blob_hash);
        hash_free(u->archive_hash);
        tar_reader_free(u->tar);
        layer_writer_finish(&u->layer);
        tar_recipe_writer_free(u->recipe);
        free(u);
}

static void join(struct unpack *u)
{
        while (u->n_threads)
                pthread_join(u->threads[--u->n_threads], NULL);
}

static void init_flow(struct unpack *u)
{
        flow_init(&u->flow);
        flow_pool_init(&u->blob_pool, &u->flow, BLOB_PIECES, BLOB_PIECE);
        flow_pool_init(&u->archive_pool, &u->flow, ARCHIVE_PIECES, ARCHIVE_PIECE);
        flow_queue_init(&u->to_inflate, &u->flow);
        flow_queue_init(&u->to_hash, &u->flow);
        flow_queue_init(&u->to_write, &u->flow);
}

static int init_work(struct unpack *u, struct error *err)
{
        const struct unpack_options *o = &u->options;

        u->blob_hash = hash_new(hash_algorithm(&u->blob));
        u->archive_hash = hash_new(hash_algorithm(&u->diff_id));
        u->one_algorithm = strcmp(hash_algorithm(&u->blob), hash_algorithm(&u->diff_id)) == 0;
        u->recipe = tar_recipe_writer_new(o->recipe_fd);
        u->tar = tar_reader_new(read_archive, keep, u);
        if (!u->blob_hash || !u->archive_hash || !u->recipe || !u->tar)
                return error_set(err, ENOMEM, "out of memory");
        return layer_writer_init(&u->layer, o->image_fd, u->recipe, err);
}

/* Signals are for the program's other threads. */
static int start_threads(struct unpack *u, struct error *err)
{
        void *(*const run[THREADS])(void *) = { run_inflate, run_hash, run_write };
        sigset_t all, before;
        int r = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (r == 0 && u->n_threads < THREADS) {
                r = pthread_create(&u->threads[u->n_threads], NULL, run[u->n_threads], u);
                u->n_threads += r == 0;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return r ? error_errno(err, r, "start a thread") : 0;
}

struct unpack *unpack_start(const struct unpack_options *o, struct error *err)
{
        struct unpack *u = calloc(1, sizeof *u);

        if (!u) {
                error_set(err, ENOMEM, "out of memory");
                return NULL;
        }
        u->options = *o;
        if (o->blob)
                u->blob = *o->blob;
        if (o->diff_id)
                u->diff_id = *o->diff_id;
        init_flow(u);
        if (init_work(u, err) == 0 && start_threads(u, err) == 0)
                return u;
        unpack_abort(u);
        return NULL;
}

void unpack_abort(struct unpack *u)
{
        struct error err;

        if (!u)
                return;
        error_set(&err, ECANCELED, "unpacking was ended");
        flow_stop(&u->flow, &err);
        join(u);
        free_all(u);
}

static void hand_over(struct unpack *u)
{
        flow_put(&u->to_inflate, u->filling, 0);
        flow_release(take_ptr(u->filling));
}

static int lies(struct unpack *u, struct error *err)
{
        error_set(err, EBADMSG, "the blob is %s than the %llu bytes that were promised",
                  u->blob_size > u->options.blob_size ? "longer" : "shorter", (unsigned long long)u->options.blob_size);
        return flow_stop(&u->flow, err);
}

int unpack_write(struct unpack *u, const void *data, size_t n, struct error *err)
{
        const char *p = data;

        u->blob_size += n;
        if (u->blob_size > u->options.blob_size)
                return lies(u, err);
        while (n) {
                size_t k;

                if (!u->filling)
                        u->filling = flow_take(&u->blob_pool);
                if (!u->filling)
                        break;
                k = BLOB_PIECE - u->filling->len < n ? BLOB_PIECE - u->filling->len : n;
                memcpy(u->filling->data + u->filling->len, p, k);
                u->filling->len += k;
                p += k;
                n -= k;
                if (u->filling->len == BLOB_PIECE)
                        hand_over(u);
        }
        return flow_check(&u->flow, err);
}

/* All bytes are handed over, or the flow has stopped; waits for the threads. */
static int drain(struct unpack *u, struct error *err)
{
        if (u->blob_size < u->options.blob_size && u->options.blob_size != UINT64_MAX)
                lies(u, err);
        if (u->filling)
                hand_over(u);
        flow_end(&u->to_inflate);
        join(u);
        return flow_check(&u->flow, err);
}

static int check(const char *what, const struct digest *wanted, const struct digest *found, struct error *err)
{
        if (!*wanted->text || digest_equal(wanted, found))
                return 0;
        return error_set(err, EBADMSG, "%s has the digest %s instead of %s", what, found->text, wanted->text);
}

static int check_digests(struct unpack *u, struct unpack_result *ret, struct error *err)
{
        int r;

        hash_end(u->blob_hash, &ret->blob);
        if (u->hash_once)
                ret->diff_id = ret->blob;
        else
                hash_end(u->archive_hash, &ret->diff_id);
        r = check("the blob", &u->blob, &ret->blob, err);
        return r < 0 ? r : check("the layer's archive", &u->diff_id, &ret->diff_id, err);
}

static uint8_t hex_value(char c)
{
        return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The same archive has the same image, to its last byte. */
static int end_layer(struct unpack *u, const struct digest *diff_id, struct error *err)
{
        const char *hex = digest_hex(diff_id);
        uint8_t uuid[UUID];
        int r;

        for (size_t i = 0; i < UUID; i++)
                uuid[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
        r = layer_writer_end(&u->layer, uuid, err);
        return r < 0 ? r : tar_recipe_end(u->recipe, err);
}

int unpack_end(struct unpack *u, struct unpack_result *ret, struct error *err)
{
        struct unpack_result result = {};
        int r = drain(u, err);

        if (r == 0)
                r = check_digests(u, &result, err);
        if (r == 0)
                r = end_layer(u, &result.diff_id, err);
        if (r == 0) {
                result.blob_size = u->blob_size;
                result.tar_size = u->tar_size;
                result.image_size = u->layer.image.blocks * EROFS_BLOCK;
                result.compression = u->compression;
                *ret = result;
        }
        free_all(u);
        return r;
}
