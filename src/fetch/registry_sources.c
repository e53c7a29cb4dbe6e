/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry_sources.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

struct source {
        struct registry *registry; /* NULL: not opened yet */
        bool dropped;
};

struct sources {
        struct host *host;
        struct host_endpoint *places;
        struct source *list;
        size_t n;
        pthread_mutex_t lock; /* of the list; the registries themselves may be used by many */
        size_t good;          /* the place that served last */
};

void sources_close(struct sources *s)
{
        if (!s)
                return;
        for (size_t i = 0; s->list && i < s->n; i++)
                registry_close(s->list[i].registry);
        pthread_mutex_destroy(&s->lock);
        host_endpoints_free(s->places);
        free(s->list);
        free(s);
}

int sources_open(struct host *h, const char *registry, const char *repository, const char *tag_or_digest,
                 struct sources **ret, struct error *err)
{
        own_sources struct sources *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return error_set(err, ENOMEM, "out of memory");
        pthread_mutex_init(&s->lock, NULL);
        s->host = h;
        r = host_endpoints(h, registry, repository, false, tag_or_digest, &s->places, err);
        if (r < 0)
                return r;
        while (s->places[s->n].registry)
                s->n++;
        s->list = calloc(s->n + 1, sizeof *s->list);
        if (!s->list)
                return error_set(err, ENOMEM, "out of memory");
        *ret = take_ptr(s);
        return 0;
}

/* Another place would not help. */
static bool lies_here(int r)
{
        return r == -ECANCELED || r == -ENOMEM || r == -ENOSPC || r == -EDQUOT || r == -EPIPE;
}

/* The registry of a place, opened when it is first needed; *ret NULL when it was dropped. */
static int open_place(struct sources *s, size_t i, struct http *http, struct registry **ret, struct error *err)
{
        const struct registry_options o = { .host = s->host,
                                            .name = s->places[i].registry,
                                            .repository = s->places[i].repository,
                                            .insecure = s->places[i].insecure };
        int r = 0;

        pthread_mutex_lock(&s->lock);
        if (!s->list[i].registry && !s->list[i].dropped)
                r = registry_open(&o, http, &s->list[i].registry, err);
        *ret = s->list[i].dropped ? NULL : s->list[i].registry;
        pthread_mutex_unlock(&s->lock);
        return r;
}

static size_t first_place(struct sources *s)
{
        size_t good;

        pthread_mutex_lock(&s->lock);
        good = s->good;
        pthread_mutex_unlock(&s->lock);
        return good;
}

static void note_good(struct sources *s, size_t i)
{
        pthread_mutex_lock(&s->lock);
        s->good = i;
        pthread_mutex_unlock(&s->lock);
}

int sources_try(struct sources *s, struct http *http,
                int (*try)(void *userdata, struct registry *r, struct http *http, struct error *err), void *userdata,
                struct error *err)
{
        size_t first = first_place(s);
        int r = error_set(err, ENOENT, "there is no place left to get it from");

        for (size_t n = 0; n < s->n; n++) {
                size_t i = (first + n) % s->n;
                struct registry *registry = NULL;

                if (n && !lies_here(r) && err)
                        host_warning(s->host, "%s; trying %s", err->text, s->places[i].registry);
                r = open_place(s, i, http, &registry, err);
                if (r == 0 && !registry) {
                        r = error_set(err, EBADMSG, "%s gave something wrong", s->places[i].registry);
                        continue;
                }
                if (r == 0)
                        r = try(userdata, registry, http, err);
                if (r >= 0)
                        note_good(s, i);
                if (r >= 0 || lies_here(r))
                        return r;
        }
        return r;
}

bool sources_drop(struct sources *s, const struct registry *r)
{
        bool left = false;

        pthread_mutex_lock(&s->lock);
        for (size_t i = 0; i < s->n; i++) {
                if (s->list[i].registry == r)
                        s->list[i].dropped = true;
                left |= !s->list[i].dropped;
        }
        pthread_mutex_unlock(&s->lock);
        return left;
}
