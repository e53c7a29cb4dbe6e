/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs an image's program: "USER[:GROUP]", names or numbers, by the image's own /etc/passwd and /etc/group. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct image_user {
        uint32_t uid, gid;
        uint32_t *groups; /* supplementary ones */
        size_t n_groups;
};

/*
 * root: the image's root directory. text "": root. A number nobody has is as good as one that somebody has; a name that
 * nobody has is -ENOENT. Supplementary groups are those that name the user, unless a group was given (as Docker has
 * it).
 */
int image_user_find(int root, const char *text, struct image_user *ret, struct error *err);

/* More supplementary groups, by names of the image's /etc/group or numbers (--group-add; NULL: none). */
int image_user_add_groups(int root, const char *const *names, struct image_user *u, struct error *err);

void image_user_finish(struct image_user *u);
#define own_image_user __attribute__((cleanup(image_user_finish)))
