/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/sandbox_landlock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "sys/landlock.h"

#define WRITE                                                                                        \
        (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
         LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_FILE_TRUNCATE)

/* Names (resolv.conf and where it points to, nsswitch.conf and its libraries), certificates, time zones. */
static int allow_network(const struct landlock *l, struct error *err)
{
        static const char *const paths[] = {
                "/etc",
                "/usr",
                "/lib",
                "/lib64",
                "/run/systemd/resolve",
                "/run/resolvconf",
                "/run/NetworkManager",
                "/var/run/NetworkManager",
                "/mnt/wsl",
                "/dev/urandom",
                "/dev/null",
        };
        static const char *const variables[] = { "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE" };
        static const char *const homes[] = { ".config/containers/certs.d", ".docker/certs.d" };
        const char *home = getenv("HOME");
        char path[PATH_MAX];
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(paths) && r == 0; i++)
                r = landlock_allow_path(l, paths[i], LANDLOCK_READ, err);
        for (size_t i = 0; i < ARRAY_SIZE(variables) && r == 0; i++)
                if (getenv(variables[i]))
                        r = landlock_allow_path(l, getenv(variables[i]), LANDLOCK_READ, err);
        for (size_t i = 0; home && i < ARRAY_SIZE(homes) && r == 0; i++)
                if (snprintf(path, sizeof path, "%s/%s", home, homes[i]) < (int)sizeof path)
                        r = landlock_allow_path(l, path, LANDLOCK_READ, err);
        return r;
}

int sandbox_landlock(const struct sandbox *s, struct error *err)
{
        own_landlock struct landlock l = { .rules = -1 };
        int r = landlock_begin(s->network, &l, err);

        if (r == 0 && s->network)
                r = allow_network(&l, err);
        if (r == 0 && s->directory >= 0)
                r = landlock_allow(&l, s->directory, LANDLOCK_READ | (s->writable ? WRITE : 0), err);
        return r == 0 ? landlock_enter(&l, err) : r;
}
