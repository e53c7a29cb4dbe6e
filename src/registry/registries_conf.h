/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.conf (containers-registries.conf(5), version 2), with its .d directory and short-name aliases: mirrors,
 * insecure and blocked registries, other locations, names without a registry. short-name-mode is read over: nobody is
 * asked, all candidates are tried. credential-helpers, too: auth files name theirs. Version 1 is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "oci/reference.h"

struct registries;

/*
 * Reads $CONTAINERS_REGISTRIES_CONF, or ~/.config/containers/registries.conf, or /etc/containers/registries.conf, and
 * the files of the .d directory beside (for the user's file also those of /etc/containers/registries.conf.d). No file
 * at all: an empty one. registries_free() it.
 */
int registries_load(struct registries **ret, struct error *err);
/* One file's text; name: for errors. */
int registries_parse(const char *name, const char *text, size_t len, struct registries **ret, struct error *err);
void registries_free(struct registries *r);

/* The files that were read, for people: "a, b", or "no registries.conf". */
const char *registries_files(const struct registries *r);

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
 * Where to look for registry/repository, in order: mirrors (those for digests or tags only where they fit), then the
 * location. for_push: the registry that the name says, as with podman, without mirrors or another location. Loopback
 * addresses are insecure unless said otherwise, as with Docker. -EACCES: blocked.
 */
int registries_endpoints(const struct registries *r, const struct reference *ref, bool for_push, struct endpoint **ret,
                         struct error *err);

/*
 * What a short name ("debian") may mean: an alias alone, else one for each of unqualified-search-registries, else
 * docker.io. *ret is malloc'ed; returns the number, at least 1. A reference that is qualified means itself.
 */
int registries_candidates(const struct registries *r, const struct reference *ref, struct reference **ret,
                          struct error *err);
