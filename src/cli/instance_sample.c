/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/instance_sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/grow.h"

struct collection {
        const struct instance_sampler *sampler;
        struct instance_samples samples;
        const char *asked;
        struct error *err;
};

void instance_samples_finish(struct instance_samples *s)
{
        for (size_t i = 0; i < s->n; i++)
                free(s->items[i].name);
        free(s->items);
        *s = (struct instance_samples){};
}

const struct instance_sample *instance_samples_find(const struct instance_samples *s, const char *id)
{
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->items[i].id, id) == 0)
                        return &s->items[i];
        return NULL;
}

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* One that ends meanwhile has no counters any more. */
static int add(void *userdata, struct instance *i)
{
        struct collection *c = userdata;
        struct instance_sample s = { .asked = c->asked, .is_machine = i->backend->is_machine };
        struct error ignored;
        bool runs = instance_is_running(i);

        if (!runs && !c->sampler->all && !c->sampler->n_names)
                return 0;
        if (runs && i->backend->stats && i->backend->stats(c->sampler->engine->run, i->id, &s.stats, &ignored) < 0)
                s.stats = (struct instance_stats){};
        s.time = now();
        memcpy(s.id, i->id, sizeof s.id);
        s.name = strdup(i->name);
        if (!s.name || array_grow(&c->samples.items, &c->samples.cap, c->samples.n + 1, sizeof *c->samples.items) < 0) {
                free(s.name);
                return error_set(c->err, ENOMEM, "out of memory");
        }
        c->samples.items[c->samples.n++] = s;
        return 0;
}

static int add_named(struct collection *c, const char *name)
{
        own_instance struct instance *i = NULL;
        int r = instance_find(c->sampler->engine, name, &i, c->err);

        if (r == -ENOENT && c->sampler->seen)
                return 0;
        c->asked = name;
        return r < 0 ? r : add(c, i);
}

int instance_sample(struct instance_sampler *s, struct instance_samples *ret, struct error *err)
{
        struct collection c = { .sampler = s, .err = err };
        int r = 0;

        if (!s->n_names)
                r = instances(s->engine, add, &c, err);
        for (size_t i = 0; r == 0 && i < s->n_names; i++)
                r = add_named(&c, s->names[i]);
        if (r < 0) {
                instance_samples_finish(&c.samples);
                return r;
        }
        s->seen = true;
        *ret = c.samples;
        return 0;
}
