/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_event.h"

#include <string.h>

#include "base/arena.h"
#include "instance/event.h"

static size_t count(const char *const *list)
{
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

/* A label may not speak for what is ours. */
static bool is_taken(const char *const *attributes, size_t n, const char *key)
{
        for (size_t i = 0; i < n; i += 2) {
                if (strcmp(attributes[i], key) == 0)
                        return true;
        }
        return strcmp(key, "name") == 0;
}

static size_t add_labels(struct arena *a, const char *const *labels, const char **attributes, size_t n)
{
        size_t own = n;

        for (; labels && *labels; labels++) {
                char *key = arena_strdup(a, *labels), *value = key ? strchr(key, '=') : NULL;

                if (value)
                        *value++ = '\0';
                if (!key || is_taken(attributes, own, key))
                        continue;
                attributes[n++] = key;
                attributes[n++] = value ? value : "";
        }
        return n;
}

static void tell(const struct engine *e, const struct instance *i, const char *action, const char *const *pairs,
                 int64_t time)
{
        size_t n = 0, n_pairs = count(pairs);
        struct arena a = {};
        const char **attributes = arena_alloc(&a, 2 + n_pairs + 2 * count(i->options.label) + 1, sizeof *attributes);
        const struct event ev = { .time = time,
                                  .type = "container",
                                  .action = action,
                                  .id = i->id,
                                  .name = i->name,
                                  .attributes = attributes };

        if (attributes) {
                attributes[n++] = "image";
                attributes[n++] = i->image_name;
                for (size_t k = 0; k < n_pairs; k++)
                        attributes[n++] = pairs[k];
                n = add_labels(&a, i->options.label, attributes, n);
                attributes[n] = NULL;
        }
        event_add(e->run, &ev);
        arena_finish(&a);
}

void instance_tell(const struct engine *e, const struct instance *i, const char *action, const char *const *pairs)
{
        tell(e, i, action, pairs, 0);
}

void instance_tell_start(const struct engine *e, const struct instance *i)
{
        tell(e, i, "start", NULL, i->state.started);
}
