/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that threads hand on to each other, as counted pieces: taken from a pool, passed through queues, given back by
 * whoever is the last to need them. Only an empty pool makes a thread wait for room, never a full queue; so a pool has
 * one taker, and none of those whom its pieces go to waits for that taker.
 *
 * The first error stops the flow: whoever waits is woken, and all that is asked for from then on is refused.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { FLOW_MAX_PIECES = 16, FLOW_MAX_WAITERS = 8 };

struct flow {
        pthread_mutex_t lock;
        pthread_cond_t *waiters[FLOW_MAX_WAITERS];
        size_t n_waiters;
        bool stopped;
        struct error err;
};

struct flow_pool {
        struct flow *flow;
        pthread_cond_t freed;
        struct flow_piece *free;
        size_t size, left; /* how many bytes a piece has; how many may still be made */
};

struct flow_piece {
        struct flow_pool *pool;
        struct flow_piece *next;
        unsigned users;
        size_t len;
        char data[];
};

struct flow_item {
        struct flow_piece *piece;
        unsigned tag; /* what it means to the one who takes it */
};

struct flow_queue {
        struct flow *flow;
        pthread_cond_t filled;
        struct flow_item items[FLOW_MAX_PIECES];
        size_t first, n;
        bool ended;
};

void flow_init(struct flow *f);
/* After its pools and queues. */
void flow_finish(struct flow *f);

/* Stops for this reason; a later one is not heard. Returns -err->code. */
int flow_stop(struct flow *f, const struct error *err);
/* 0, or the reason why it was stopped. */
int flow_check(struct flow *f, struct error *err);

/* At most `n` pieces of `size` bytes; those of all pools whose pieces meet in a queue are at most FLOW_MAX_PIECES. */
void flow_pool_init(struct flow_pool *p, struct flow *f, size_t n, size_t size);
void flow_pool_finish(struct flow_pool *p);

/* An empty piece, with one user. NULL: the flow has stopped; without memory it does. */
struct flow_piece *flow_take(struct flow_pool *p);
void flow_release(struct flow_piece *piece);

void flow_queue_init(struct flow_queue *q, struct flow *f);
/* Gives back what nobody took. */
void flow_queue_finish(struct flow_queue *q);

/* The queue becomes one more user. */
void flow_put(struct flow_queue *q, struct flow_piece *piece, unsigned tag);
void flow_end(struct flow_queue *q);
/* The next; the taker is its user then. False at the end, or when the flow has stopped. */
bool flow_next(struct flow_queue *q, struct flow_item *ret);
