/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: whatever it says, the places it leads to are whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "registry/registries_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void look_for(const struct registries *r, const char *name)
{
        own_mem struct reference *candidates = NULL;
        struct endpoint *places = NULL;
        struct reference ref;
        struct error err = {};
        int n;

        require(reference_parse(name, &ref, &err) == 0);
        n = registries_candidates(r, &ref, &candidates, &err);
        require(n >= 1 || (n < 0 && *err.text));
        if (registries_endpoints(r, &ref, false, &places, &err) < 0)
                return;
        require(places->registry);
        for (struct endpoint *e = places; e->registry; e++)
                require(*e->registry && *e->repository && !strpbrk(e->registry, "/@") && !strpbrk(e->repository, ":@"));
        endpoints_free(places);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = { "debian:12", "example.com/foo/bar:1", "a.example.com/foo",
                                             "localhost:5000/x" };
        own_registries struct registries *r = NULL;
        struct error err = {};

        if (registries_parse("fuzz", (const char *)data, size, &r, &err) < 0) {
                require(*err.text);
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                look_for(r, names[i]);
        return 0;
}
