/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the store that nobody knows: left by processes that were killed, or put there by others. */
#pragma once

#include "store/store_private.h"

struct stray {
        char path[FILE_PATH_SIZE];
};

struct stray_list {
        struct stray *strays;
        size_t n, cap;
};

/* Those that there are now, without what is being made; more may be gone when they are looked at again. */
int strays_find(struct store *s, struct stray_list *ret, struct error *err);

/* Removes what is still a stray in a transaction that changes, and not pinned. */
int strays_remove(struct store *s, struct store_collected *done, struct error *err);
