/* SPDX-License-Identifier: Apache-2.0 */
/* ~/.docker/config.json and auth.json: what is found is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "registry/auth_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[][2] = { { "docker.io", "library/debian" },
                                                { "quay.io", "team/web" },
                                                { "quay.io", NULL } };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                own_auth struct auth a = {};
                struct error err = {};
                int r = auth_read((const char *)data, size, names[i][0], names[i][1], &a, &err);

                if (r > 0 && (!a.username || !a.password || !a.identity_token || (!*a.username && !*a.identity_token)))
                        abort();
                if (r < 0 && !*err.text)
                        abort();
        }
        return 0;
}
