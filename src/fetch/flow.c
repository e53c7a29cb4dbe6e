/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/flow.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

void flow_init(struct flow *f)
{
        *f = (struct flow){};
        pthread_mutex_init(&f->lock, NULL);
}

void flow_finish(struct flow *f)
{
        pthread_mutex_destroy(&f->lock);
}

static void add_waiter(struct flow *f, pthread_cond_t *waiter)
{
        pthread_cond_init(waiter, NULL);
        f->waiters[f->n_waiters++] = waiter;
}

static void stop(struct flow *f, const struct error *err)
{
        if (f->stopped)
                return;
        f->stopped = true;
        f->err = *err;
        for (size_t i = 0; i < f->n_waiters; i++)
                pthread_cond_broadcast(f->waiters[i]);
}

int flow_stop(struct flow *f, const struct error *err)
{
        pthread_mutex_lock(&f->lock);
        stop(f, err);
        pthread_mutex_unlock(&f->lock);
        return -err->code;
}

int flow_check(struct flow *f, struct error *err)
{
        int r = 0;

        pthread_mutex_lock(&f->lock);
        if (f->stopped) {
                *err = f->err;
                r = -err->code;
        }
        pthread_mutex_unlock(&f->lock);
        return r;
}

/* ---- pools ---- */

void flow_pool_init(struct flow_pool *p, struct flow *f, size_t n, size_t size)
{
        *p = (struct flow_pool){ .flow = f, .size = size, .left = n };
        add_waiter(f, &p->freed);
}

void flow_pool_finish(struct flow_pool *p)
{
        while (p->free) {
                struct flow_piece *piece = p->free;

                p->free = piece->next;
                free(piece);
        }
        pthread_cond_destroy(&p->freed);
}

static struct flow_piece *make(struct flow_pool *p)
{
        struct flow_piece *piece = malloc(sizeof *piece + p->size);
        struct error err;

        if (!piece) {
                error_set(&err, ENOMEM, "out of memory");
                stop(p->flow, &err);
                return NULL;
        }
        piece->pool = p;
        p->left--;
        return piece;
}

struct flow_piece *flow_take(struct flow_pool *p)
{
        struct flow_piece *piece = NULL;

        pthread_mutex_lock(&p->flow->lock);
        while (!p->free && !p->left && !p->flow->stopped)
                pthread_cond_wait(&p->freed, &p->flow->lock);
        if (p->flow->stopped) {
                /* nothing more is made */
        } else if (p->free) {
                piece = p->free;
                p->free = piece->next;
        } else {
                piece = make(p);
        }
        if (piece) {
                piece->next = NULL;
                piece->users = 1;
                piece->len = 0;
        }
        pthread_mutex_unlock(&p->flow->lock);
        return piece;
}

void flow_release(struct flow_piece *piece)
{
        struct flow_pool *p = piece->pool;

        pthread_mutex_lock(&p->flow->lock);
        if (--piece->users == 0) {
                piece->next = p->free;
                p->free = piece;
                pthread_cond_signal(&p->freed);
        }
        pthread_mutex_unlock(&p->flow->lock);
}

/* ---- queues ---- */

void flow_queue_init(struct flow_queue *q, struct flow *f)
{
        *q = (struct flow_queue){ .flow = f };
        add_waiter(f, &q->filled);
}

void flow_queue_finish(struct flow_queue *q)
{
        for (size_t i = 0; i < q->n; i++)
                flow_release(q->items[(q->first + i) % FLOW_MAX_PIECES].piece);
        pthread_cond_destroy(&q->filled);
}

void flow_put(struct flow_queue *q, struct flow_piece *piece, unsigned tag)
{
        pthread_mutex_lock(&q->flow->lock);
        piece->users++;
        q->items[(q->first + q->n++) % FLOW_MAX_PIECES] = (struct flow_item){ piece, tag };
        pthread_cond_signal(&q->filled);
        pthread_mutex_unlock(&q->flow->lock);
}

void flow_end(struct flow_queue *q)
{
        pthread_mutex_lock(&q->flow->lock);
        q->ended = true;
        pthread_cond_signal(&q->filled);
        pthread_mutex_unlock(&q->flow->lock);
}

bool flow_next(struct flow_queue *q, struct flow_item *ret)
{
        bool got;

        pthread_mutex_lock(&q->flow->lock);
        while (!q->n && !q->ended && !q->flow->stopped)
                pthread_cond_wait(&q->filled, &q->flow->lock);
        got = q->n && !q->flow->stopped;
        if (got) {
                *ret = q->items[q->first];
                q->first = (q->first + 1) % FLOW_MAX_PIECES;
                q->n--;
        }
        pthread_mutex_unlock(&q->flow->lock);
        return got;
}
