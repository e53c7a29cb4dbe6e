/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/transfer_limits.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/grow.h"
#include "base/own.h"

static int find_job(const char *name, enum transfer_job *ret, struct error *err)
{
        static const char *const names[] = { "pull", "push",   "login",  "search", "load",
                                             "save", "import", "verify", "layer" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strcmp(names[i], name) == 0) {
                        *ret = (enum transfer_job)(1 << i);
                        return 0;
                }
        }
        return error_set(err, EINVAL, "there is no job \"%s\"", name);
}

static int read_members(struct transfer_limits *l, struct error *err)
{
        const char *reference = NULL, *registry = NULL;
        int r = json_get_string(l->parameters, "reference", &reference, err);

        if (r >= 0)
                r = json_get_string(l->parameters, "registry", &registry, err);
        if (r >= 0)
                r = json_get_string(l->parameters, "name", &l->name, err);
        if (r >= 0)
                r = json_get_bool(l->parameters, "all_tags", &l->all_tags, err);
        if (r >= 0 && reference)
                r = reference_parse(reference, &l->image, err);
        if (r < 0)
                return r;
        registry = reference ? l->image.registry : registry;
        if (registry && strlen(registry) >= sizeof l->registry)
                return error_set(err, EINVAL, "%.300s: no registry has so long a name", registry);
        snprintf(l->registry, sizeof l->registry, "%s", registry ? registry : "");
        return 0;
}

int transfer_limits_read(const char *job, const char *parameters, struct transfer_limits *ret, struct error *err)
{
        struct transfer_limits l = {};
        int r = find_job(job, &l.job, err);

        if (r == 0)
                r = json_parse(parameters, strlen(parameters), &l.parameters, err);
        if (r == 0)
                r = read_members(&l, err);
        if (r < 0) {
                transfer_limits_finish(&l);
                return r;
        }
        *ret = l;
        return 0;
}

void transfer_limits_finish(struct transfer_limits *l)
{
        free(l->places);
        json_put(l->parameters);
        *l = (struct transfer_limits){};
}

int transfer_limits_registry(const struct transfer_limits *l, const char *registry, struct error *err)
{
        if (*l->registry && strcmp(registry, l->registry) == 0)
                return 0;
        return error_set(err, EPERM, "the job has nothing to do with %.100s", registry);
}

static bool is_place(const struct transfer_limits *l, const char *registry)
{
        for (size_t i = 0; i < l->n_places; i++) {
                if (strcmp(l->places[i].registry, registry) == 0)
                        return true;
        }
        return false;
}

int transfer_limits_add_place(struct transfer_limits *l, const char *registry, struct error *err)
{
        if (is_place(l, registry))
                return 0;
        if (strlen(registry) >= sizeof l->places->registry)
                return error_set(err, EINVAL, "%.300s: no registry has so long a name", registry);
        if (array_grow(&l->places, &l->cap_places, l->n_places + 1, sizeof *l->places) < 0)
                return error_set(err, ENOMEM, "out of memory");
        memcpy(l->places[l->n_places++].registry, registry, strlen(registry) + 1);
        return 0;
}

int transfer_limits_place(const struct transfer_limits *l, const char *registry, struct error *err)
{
        if (is_place(l, registry) || transfer_limits_registry(l, registry, NULL) == 0)
                return 0;
        return error_set(err, EPERM, "the job needs no credentials for %.100s", registry);
}

/* Whether it is the name that was asked for, with or without a digest behind it: whose that is, is another question
 * (image_digest.h). */
static bool is_own_name(const struct transfer_limits *l, const char *name)
{
        size_t len = l->name ? strlen(l->name) : 0;

        return l->name && strncmp(name, l->name, len) == 0 &&
               (!name[len] || (name[len] == '@' && !strchr(l->name, '@')));
}

int transfer_limits_name(const struct transfer_limits *l, const char *name, struct error *err)
{
        struct reference ref;

        /* An archive says itself how its images are called. */
        if (!name || l->job == JOB_LOAD || is_own_name(l, name))
                return 0;
        if (l->job == JOB_PULL && l->all_tags && reference_parse(name, &ref, NULL) == 0 &&
            strcmp(ref.registry, l->image.registry) == 0 && strcmp(ref.repository, l->image.repository) == 0)
                return 0;
        return error_set(err, EPERM, "the job may not call an image %.200s", name);
}
