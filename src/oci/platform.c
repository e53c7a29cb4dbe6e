/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms by Go's names (image-spec, image-index.md, "platform"). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/image_manifest.h"

/* What a machine calls itself, in Go's words. */
static void normalize(struct platform *p)
{
        static const struct {
                const char *name, *architecture, *variant;
        } other_names[] = {
                { "x86_64", "amd64", "" }, { "x86-64", "amd64", "" },    { "aarch64", "arm64", "" },
                { "armhf", "arm", "v7" },  { "armel", "arm", "v6" },     { "i386", "386", "" },
                { "i686", "386", "" },     { "ppc64el", "ppc64le", "" },
        };

        for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
                if (strcmp(p->architecture, other_names[i].name) != 0)
                        continue;
                p->architecture = other_names[i].architecture;
                if (!*p->variant)
                        p->variant = other_names[i].variant;
        }
        if (strcmp(p->architecture, "arm64") == 0 && strcmp(p->variant, "v8") == 0)
                p->variant = "";
}

int platform_parse(const char *text, char storage[128], struct platform *ret, struct error *err)
{
        struct platform p = { .os = "linux", .architecture = "", .variant = "", .os_version = "" };
        char *rest = storage, *first, *second, *third;

        if (!*text || strlen(text) > 127 ||
            strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-/ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(text))
                return error_set(err, EINVAL, "invalid platform \"%.100s\"", text);
        memcpy(storage, text, strlen(text) + 1);
        first = strsep(&rest, "/");
        second = strsep(&rest, "/");
        third = strsep(&rest, "/");
        if (rest || !*first || (second && !*second) || (third && !*third))
                return error_set(err, EINVAL, "invalid platform \"%.100s\": OS/ARCHITECTURE[/VARIANT] is wanted", text);
        p.os = second ? first : "linux";
        p.architecture = second ? second : first;
        p.variant = third ? third : "";
        normalize(&p);
        *ret = p;
        return 0;
}

struct platform platform_host(void)
{
#if defined(__x86_64__)
        const char *architecture = "amd64";
#elif defined(__aarch64__)
        const char *architecture = "arm64";
#elif defined(__riscv) && __riscv_xlen == 64
        const char *architecture = "riscv64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
        const char *architecture = "ppc64le";
#elif defined(__s390x__)
        const char *architecture = "s390x";
#elif defined(__i386__)
        const char *architecture = "386";
#elif defined(__arm__)
        const char *architecture = "arm";
#else
#error "the name that Go has for this architecture is missing here"
#endif
        return (struct platform){ .os = "linux", .architecture = architecture, .variant = "", .os_version = "" };
}

/* 0: does not fit; the higher the better. */
static int fit(const struct platform *have, const struct platform *want)
{
        struct platform h = *have, w = *want;

        normalize(&h);
        normalize(&w);
        if (strcmp(h.os, w.os) != 0 || strcmp(h.architecture, w.architecture) != 0)
                return 0;
        if (strcmp(h.variant, w.variant) == 0)
                return 3;
        /* One that says nothing fits wherever it stands; one that was not asked for comes last. */
        return !*h.variant ? 2 : !*w.variant ? 1 : 0;
}

bool platform_fits(const struct platform *have, const struct platform *want)
{
        return fit(have, want) > 0;
}

const struct descriptor *image_index_find(const struct image_index *index, const struct platform *p)
{
        const struct descriptor *best = NULL;
        int best_fit = 0;

        for (size_t i = 0; i < index->n_manifests; i++) {
                int f = fit(&index->manifests[i].platform, p);

                if (f > best_fit) {
                        best_fit = f;
                        best = &index->manifests[i];
                }
        }
        return best;
}
