/* SPDX-License-Identifier: Apache-2.0 */
/* -v and --mount, taken apart: what of them says where something comes from, and where it goes. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

struct mount_words {
        const char *type;   /* "bind", "volume", "image", "tmpfs" */
        const char *source; /* NULL: none was said */
        const char *destination;
        const char *options; /* in the words of -v */
        const char *subpath; /* of a volume or an image: what of it is mounted; NULL: all */
        bool nocopy;
        const char *const *labels; /* of a volume that is made; NULL */
        const char *const *driver; /* likewise: of volume-opt, "KEY=VALUE"; NULL */
};

/* "[SOURCE:]DESTINATION[:OPTIONS]". Strings come from the arena. */
int mount_words_read_volume(struct arena *a, const char *text, struct mount_words *ret, struct error *err);

/* "type=volume,source=...,target=...[,readonly]" and so on; of tmpfs only type and destination. */
int mount_words_read_mount(struct arena *a, const char *text, struct mount_words *ret, struct error *err);
