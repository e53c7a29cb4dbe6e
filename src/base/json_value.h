/* SPDX-License-Identifier: Apache-2.0 */
/* How json.h's values look inside; private to the json_*.c files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_object {
        const char *key; /* in an object: the member's name */
        union {
                const char *string; /* also a real number's text */
                struct json_object *items;
                uint64_t magnitude; /* of an integer; a truth value as 0 or 1 */
        };
        uint32_t n; /* items */
        uint8_t type;
        bool negative;
};

/* What json_parse() makes: the root stands first, so that json_put() finds the rest. */
struct json_document {
        struct json_object root;
        struct arena arena;
};
