/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf (containers-registries.conf(5), version 2), with its .d directory and short-name aliases: mirrors,
 * insecure and blocked registries, other locations, names without a registry.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "oci/reference.h"

struct registries;

/*
 * Reads $CONTAINERS_REGISTRIES_CONF, or ~/.config/containers/registries.conf, or /etc/containers/registries.conf, and
 * the files of the .d directory beside. No file at all: an empty one. registries_free() it.
 */
int registries_load(struct registries **ret, struct error *err);
/* One file's text; name: for errors. */
int registries_parse(const char *name, const char *text, size_t len, struct registries **ret, struct error *err);
void registries_free(struct registries *r);

static inline void registries_free_(struct registries **r)
{
        registries_free(*r);
}
#define own_registries __attribute__((cleanup(registries_free_)))

struct endpoint {
        char *registry, *repository; /* malloc'ed */
        bool insecure;
};

void endpoints_free(struct endpoint *e); /* an array that ends with registry == NULL */

/*
 * Where to look for registry/repository, in order: mirrors (not for_push, and those for digests or tags only where they
 * fit), then the location itself. Loopback addresses are insecure unless said otherwise, as with Docker. -EACCES:
 * blocked.
 */
int registries_endpoints(const struct registries *r, const struct reference *ref, bool for_push, struct endpoint **ret,
                         struct error *err);

/*
 * What a short name ("debian") may mean: an alias alone, else one for each of unqualified-search-registries, else
 * docker.io. *ret is malloc'ed; returns the number, at least 1. A reference that is qualified means itself.
 */
int registries_candidates(const struct registries *r, const struct reference *ref, struct reference **ret,
                          struct error *err);
