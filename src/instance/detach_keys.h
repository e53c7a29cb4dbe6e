/* SPDX-License-Identifier: Apache-2.0 */
/* The keys by which a user leaves a program without ending it: --detach-keys. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { DETACH_KEYS_MAX = 16 };

struct detach_keys {
        unsigned char keys[DETACH_KEYS_MAX];
        size_t n;
        size_t matched; /* so many of them were typed, and are held back */
};

/* "ctrl-p,ctrl-q": letters and "ctrl-" with one of a-z@[\]^_. NULL: those; "": none. -EINVAL. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err);

/*
 * Takes what was typed; what goes on to the program is written to out, which has room for len + DETACH_KEYS_MAX.
 * True: the keys were typed, and the rest of the input was thrown away.
 */
bool detach_keys_filter(struct detach_keys *k, const void *data, size_t len, unsigned char *out, size_t *ret_len);
