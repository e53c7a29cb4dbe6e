/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of pieces: the caller fills them and writes out what became of them, in order; threads compress what lies
 * between. Each piece but the last ends with an empty stored block, so that it ends with a whole byte and the next can
 * follow.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/own.h"
#include "fetch/deflate_codec.h"

enum {
        USUAL_LEVEL = 6,
        PIECE = 256 << 10,
        DICTIONARY = 32 << 10,
        OUTPUT = PIECE + PIECE / 1000 + 4096, /* more than deflateBound() says */
        WINDOW_BITS = -15,                    /* zlib's way to say that there is no wrapper */
        MEMORY_LEVEL = 8,
        MAX_WORKERS = 8,
        MAX_RING = 2 * MAX_WORKERS + 2,
};

struct piece {
        size_t n_dictionary, n_in, n_out;
        bool last, done, failed;
        uint32_t crc;
        unsigned char dictionary[DICTIONARY], in[PIECE], out[OUTPUT];
};

struct gzip {
        struct deflate_output out;
        int level;
        pthread_mutex_t lock;
        pthread_cond_t work, done;
        pthread_t workers[MAX_WORKERS];
        unsigned n_workers;
        bool quit;
        struct piece *ring[MAX_RING];
        size_t n_ring;
        /* Numbers of pieces: handed to the workers, taken by them, written out. The one to be filled is `handed`. */
        uint64_t handed, taken, written, size;
        uint32_t crc;
};

static struct piece *piece_at(const struct gzip *g, uint64_t number)
{
        return g->ring[number % g->n_ring];
}

/* ---- workers ---- */

static bool compress_piece(z_stream *z, struct piece *p)
{
        int flush = p->last ? Z_FINISH : Z_SYNC_FLUSH, r;

        p->crc = (uint32_t)crc32(0, p->in, (uInt)p->n_in);
        if (deflateReset(z) != Z_OK ||
            (p->n_dictionary && deflateSetDictionary(z, p->dictionary, (uInt)p->n_dictionary) != Z_OK))
                return false;
        z->next_in = p->in;
        z->avail_in = (uInt)p->n_in;
        z->next_out = p->out;
        z->avail_out = OUTPUT;
        r = deflate(z, flush);
        p->n_out = OUTPUT - z->avail_out;
        return r == (p->last ? Z_STREAM_END : Z_OK) && !z->avail_in && z->avail_out;
}

/* The next piece to compress. NULL: nothing comes any more. */
static struct piece *next_piece(struct gzip *g)
{
        struct piece *p = NULL;

        pthread_mutex_lock(&g->lock);
        while (g->taken == g->handed && !g->quit)
                pthread_cond_wait(&g->work, &g->lock);
        if (!g->quit)
                p = piece_at(g, g->taken++);
        pthread_mutex_unlock(&g->lock);
        return p;
}

static void *run(void *userdata)
{
        struct gzip *g = userdata;
        z_stream z = {};
        bool good = deflateInit2(&z, g->level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
        struct piece *p;

        while ((p = next_piece(g))) {
                bool failed = !good || !compress_piece(&z, p);

                pthread_mutex_lock(&g->lock);
                p->failed = failed;
                p->done = true;
                pthread_cond_signal(&g->done);
                pthread_mutex_unlock(&g->lock);
        }
        if (good)
                deflateEnd(&z);
        return NULL;
}

static int start_workers(struct gzip *g, unsigned n, struct error *err)
{
        sigset_t all, before;
        int r = 0;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (r == 0 && g->n_workers < n) {
                r = pthread_create(&g->workers[g->n_workers], NULL, run, g);
                g->n_workers += r == 0;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return r ? error_errno(err, r, "start a thread") : 0;
}

/* ---- the caller ---- */

static void finish(void *state)
{
        struct gzip *g = state;

        pthread_mutex_lock(&g->lock);
        g->quit = true;
        pthread_cond_broadcast(&g->work);
        pthread_mutex_unlock(&g->lock);
        while (g->n_workers)
                pthread_join(g->workers[--g->n_workers], NULL);
        for (size_t i = 0; i < g->n_ring; i++)
                free(g->ring[i]);
        pthread_cond_destroy(&g->work);
        pthread_cond_destroy(&g->done);
        pthread_mutex_destroy(&g->lock);
        free(g);
}

static struct piece *piece_new(void)
{
        struct piece *p = malloc(sizeof *p);

        if (p)
                p->n_dictionary = p->n_in = 0;
        return p;
}

/* While one is filled and one written out, each worker has one, and one to go on with. */
static int make_ring(struct gzip *g, unsigned workers, struct error *err)
{
        g->n_ring = 2 * workers + 2;
        for (size_t i = 0; i < g->n_ring; i++) {
                g->ring[i] = piece_new();
                if (!g->ring[i])
                        return error_set(err, ENOMEM, "out of memory");
        }
        return 0;
}

/* As Go writes it: no name, no time, no system. */
static int write_header(struct gzip *g, struct error *err)
{
        static const unsigned char header[10] = { 0x1f, 0x8b, Z_DEFLATED, [9] = 0xff };

        return g->out.write(g->out.userdata, header, sizeof header, err);
}

static void *begin(int level, unsigned threads, struct deflate_output out, struct error *err)
{
        unsigned workers = threads < MAX_WORKERS ? threads : MAX_WORKERS;
        struct gzip *g = NULL;

        if (level < 0 || level > Z_BEST_COMPRESSION)
                error_set(err, EINVAL, "gzip: levels are 1 to %d", Z_BEST_COMPRESSION);
        else if (!(g = calloc(1, sizeof *g)))
                error_set(err, ENOMEM, "out of memory");
        if (!g)
                return NULL;
        g->out = out;
        g->level = level ? level : USUAL_LEVEL;
        pthread_mutex_init(&g->lock, NULL);
        pthread_cond_init(&g->work, NULL);
        pthread_cond_init(&g->done, NULL);
        if (make_ring(g, workers, err) == 0 && start_workers(g, workers, err) == 0 && write_header(g, err) == 0)
                return g;
        finish(g);
        return NULL;
}

/* Waits for the oldest piece. */
static int write_oldest(struct gzip *g, struct error *err)
{
        struct piece *p = piece_at(g, g->written);

        pthread_mutex_lock(&g->lock);
        while (!p->done)
                pthread_cond_wait(&g->done, &g->lock);
        pthread_mutex_unlock(&g->lock);
        g->written++;
        if (p->failed)
                return error_set(err, ENOMEM, "gzip: out of memory");
        g->crc = (uint32_t)crc32_combine(g->crc, p->crc, (z_off_t)p->n_in);
        return g->out.write(g->out.userdata, p->out, p->n_out, err);
}

/* Hands over the piece that was filled; then there is an empty one, which begins where that ended. */
static int hand_over(struct gzip *g, bool last, struct error *err)
{
        struct piece *p = piece_at(g, g->handed), *next;
        int r = 0;

        p->last = last;
        p->done = p->failed = false;
        g->size += p->n_in;
        pthread_mutex_lock(&g->lock);
        g->handed++;
        pthread_cond_signal(&g->work);
        pthread_mutex_unlock(&g->lock);
        if (last)
                return 0;
        if (g->handed - g->written == g->n_ring)
                r = write_oldest(g, err);
        next = piece_at(g, g->handed);
        next->n_in = 0;
        next->n_dictionary = p->n_in < DICTIONARY ? p->n_in : DICTIONARY;
        memcpy(next->dictionary, p->in + p->n_in - next->n_dictionary, next->n_dictionary);
        return r;
}

static int add(void *state, const void *data, size_t n, struct error *err)
{
        struct gzip *g = state;
        const char *from = data;
        int r = 0;

        while (r == 0 && n) {
                struct piece *p = piece_at(g, g->handed);
                size_t k = PIECE - p->n_in < n ? PIECE - p->n_in : n;

                memcpy(p->in + p->n_in, from, k);
                p->n_in += k;
                from += k;
                n -= k;
                if (p->n_in == PIECE)
                        r = hand_over(g, false, err);
        }
        return r;
}

static void put_u32(unsigned char *to, uint32_t v)
{
        for (size_t i = 0; i < 4; i++)
                to[i] = (unsigned char)(v >> 8 * i);
}

static int end_stream(void *state, struct error *err)
{
        struct gzip *g = state;
        unsigned char trailer[8];
        int r = hand_over(g, true, err);

        while (r == 0 && g->written < g->handed)
                r = write_oldest(g, err);
        if (r < 0)
                return r;
        put_u32(trailer, g->crc);
        put_u32(trailer + 4, (uint32_t)g->size);
        return g->out.write(g->out.userdata, trailer, sizeof trailer, err);
}

const struct deflate_codec *deflate_codec_gzip(void)
{
        static const struct deflate_codec codec = { begin, add, end_stream, finish };

        return &codec;
}
