/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth_file.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "registry/auth_document.h"

/* 1 or 0: what this file, or the helper that it names, has. */
static int find_in_file(const char *path, const char *registry, const char *repository, struct auth *ret,
                        struct error *err)
{
        own_json struct json_object *root = NULL;
        struct auth_helper helper;
        int r = auth_file_read(path, &root, err);

        if (r <= 0)
                return r;
        r = auth_helper_find(root, registry, repository, &helper, err);
        if (r > 0)
                r = auth_helper_get(&helper, ret, err);
        if (r == 0)
                r = auth_entry_find(root, registry, repository, ret, err);
        if (r > 0)
                ret->source = strdup(path);
        return r < 0 ? error_wrap(err, "%s", path) : r;
}

int auth_find(const char *file, const char *registry, const char *repository, struct auth *ret, struct error *err)
{
        own_auth_places struct auth_places places = {};
        int r = auth_places_find(file, &places, err);

        for (size_t i = 0; i < AUTH_PLACES && r == 0; i++) {
                if (places.path[i])
                        r = find_in_file(places.path[i], registry, repository, ret, err);
        }
        return r;
}
