/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/own.h"

enum { MAX_THREADS = 32 };

struct workers {
        int (*work)(void *userdata, struct http *http, size_t item, struct error *err);
        void *userdata;
        size_t items;
        atomic_size_t next;
        atomic_bool stop;
        pthread_mutex_t lock; /* of the rest */
        struct error first;
        int result;
};

static void note_failure(struct workers *w, int r, const struct error *err)
{
        pthread_mutex_lock(&w->lock);
        if (w->result == 0) {
                w->result = r;
                w->first = *err;
        }
        pthread_mutex_unlock(&w->lock);
        atomic_store(&w->stop, true);
}

static void *run(void *userdata)
{
        struct workers *w = userdata;
        own_http struct http *http = http_new(&w->stop);
        struct error err = {};
        int r = http ? 0 : error_set(&err, ENOMEM, "out of memory");

        while (r == 0 && !atomic_load(&w->stop)) {
                size_t item = atomic_fetch_add(&w->next, 1);

                if (item >= w->items)
                        return NULL;
                r = w->work(w->userdata, http, item, &err);
        }
        if (r < 0)
                note_failure(w, r, &err);
        return NULL;
}

int workers_run(unsigned threads, size_t items,
                int (*work)(void *userdata, struct http *http, size_t item, struct error *err), void *userdata,
                struct error *err)
{
        struct workers w = { .work = work, .userdata = userdata, .items = items, .lock = PTHREAD_MUTEX_INITIALIZER };
        pthread_t ids[MAX_THREADS];
        unsigned n = 0;
        int r = 0;

        if (threads > MAX_THREADS)
                threads = MAX_THREADS;
        while (n < threads && n < items && r == 0) {
                r = pthread_create(&ids[n], NULL, run, &w);
                n += r == 0;
        }
        /* Fewer than wanted will do. */
        for (unsigned i = 0; i < n; i++)
                pthread_join(ids[i], NULL);
        if (!n && items)
                return error_errno(err, r, "start a thread");
        if (w.result < 0 && err)
                *err = w.first;
        return w.result;
}
