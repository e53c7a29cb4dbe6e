/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/label_map.h"

#include <string.h>

#include "base/own.h"

void label_map_write(struct json_writer *w, const char *key, const char *const *labels)
{
        json_begin_object(w, key);
        for (; labels && *labels; labels++) {
                const char *equals = strchrnul(*labels, '=');
                size_t n = (size_t)(equals - *labels);
                own_mem char *name = strndup(*labels, n);
                bool again = false;

                for (const char *const *later = labels + 1; *later && !again; later++)
                        again = strncmp(*later, *labels, n) == 0 && ((*later)[n] == '=' || !(*later)[n]);
                if (name && !again)
                        json_write_string(w, name, *equals ? equals + 1 : "");
        }
        json_end_object(w);
}
