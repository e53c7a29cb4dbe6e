/* SPDX-License-Identifier: Apache-2.0 */
/* What files of registries.conf said; private to the registries_conf*.c files. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "registry/registries_conf.h"

enum use { USE_ALWAYS, USE_FOR_DIGESTS, USE_FOR_TAGS };
enum answer { NOT_SAID, NO, YES };

struct mirror {
        const char *location;
        enum answer insecure;
        enum use use;
};

struct rule {                 /* [[registry]] */
        const char *prefix;   /* "*.example.com" or the beginning of a name */
        const char *location; /* "": the name stays as it is */
        enum answer insecure;
        bool blocked;
        struct mirror *mirrors;
        size_t n_mirrors;
};

struct alias {
        const char *name, *value; /* "": none any more */
};

struct registries {
        struct arena arena; /* has the strings and mirrors */
        struct buf files;
        struct rule *rules;
        size_t n_rules, cap_rules;
        struct alias *aliases;
        size_t n_aliases, cap_aliases;
        const char **search;
        size_t n_search;
};

struct registries *registries_new(void);
/* Adds one more file: what it says again counts. */
int registries_add(struct registries *r, const char *name, const char *text, size_t len, struct error *err);
