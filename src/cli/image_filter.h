/* SPDX-License-Identifier: Apache-2.0 */
/* Which images a command means: --filter and names with "*". */
#pragma once

#include "cli/filter.h"
#include "cli/image_lookup.h"

struct image_filter {
        struct store *store;
        struct filters filters;
        const char *pattern; /* the operand, or NULL */
        bool has_dangling, dangling;
        int64_t before, since; /* seconds since 1970 */
};

#define own_image_filter __attribute__((cleanup(image_filter_finish)))

/* Reads --filter; known: the keys that the command takes. */
int image_filter_open(struct image_filter *f, struct store *s, const struct args *args, unsigned option,
                      const char *const *known, struct error *err);
void image_filter_finish(struct image_filter *f);

/* Whether the image fits, its names aside: 1, 0 or an error. */
int image_filter_matches(const struct image_filter *f, const struct image_info *info, struct error *err);

/* Whether a name of the image is meant; name: full, or NULL for an image that has none. */
bool image_filter_matches_name(const struct image_filter *f, const char *name);
