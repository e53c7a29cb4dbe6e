/* SPDX-License-Identifier: Apache-2.0 */
/* Images from a registry, as `pull` and `run` want them; progress and warnings go to standard error. */
#pragma once

#include "cli/image_lookup.h"
#include "cli/mover.h"
#include "registry/registries_conf.h"

enum pull_policy {
        PULL_ALWAYS,
        PULL_MISSING, /* only what is not here */
        PULL_NEWER,   /* what is here will do when the registry does not answer */
        PULL_NEVER,
};

/* text: the option's value, NULL leaves *ret as it is. run knows no "newer". */
int pull_policy_parse(const char *option, const char *text, bool knows_newer, enum pull_policy *ret, struct error *err);

struct image_pull {
        struct store *store;
        struct mover mover;
        struct registries *registries;
        enum pull_policy policy;
        const char *platform; /* as it was typed; NULL: that of this host */
        bool all_tags;
        /* Called before a registry is asked for what is not here; may be NULL. */
        void (*missing)(const char *name);
        struct digest told; /* by the registry, of the image that came last */
};

struct pulled_image {
        struct image_info *info; /* malloc'ed; NULL with all_tags */
        struct buf name;         /* full; with all_tags that of the repository; of what is here perhaps an id */
        struct digest digest;    /* what the registry knows it by; "" when no registry was asked */
        bool is_new;
};

/* Reads what mover_open() does, and --platform. */
int image_pull_open(struct image_pull *p, const struct invocation *inv, struct store *store, struct error *err);
void image_pull_finish(struct image_pull *p);
#define own_image_pull __attribute__((cleanup(image_pull_finish)))

/* Gets the image as the policy says. -ENOENT: it is not to be had. */
int image_pull(struct image_pull *p, const char *name, struct pulled_image *ret, struct error *err);

/*
 * What image_pull() would do. *ret_here: what is here, if that would do or tells more than nothing; else NULL. Appends
 * the places that would be asked, one a line; none when nobody would be. -ENOENT for what is not to be asked for.
 */
int image_pull_look(struct image_pull *p, const char *name, struct image_info **ret_here, struct buf *places,
                    struct error *err);

void pulled_image_finish(struct pulled_image *i);
#define own_pulled_image __attribute__((cleanup(pulled_image_finish)))

/* Appends "Digest: ..." and "Status: ..." lines in Docker's words. */
void pulled_image_add_status(const struct pulled_image *i, struct buf *out);
