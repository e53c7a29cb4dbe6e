/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the http*.c files. */
#pragma once

#include <stdatomic.h>

struct http {
        void *easy; /* CURL */
        const atomic_bool *stop;
};
