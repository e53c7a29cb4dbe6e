/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

struct hash {
        EVP_MD_CTX *ctx;
        const char *algorithm; /* libcrypto's own word would be upper-case */
};

static const char *algorithm_name(const char *name)
{
        static const char *const known[] = { "sha256", "sha512" };

        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (strcmp(name, known[i]) == 0)
                        return known[i];
        return NULL;
}

const char *hash_algorithm(const struct digest *d)
{
        return strncmp(d->text, "sha512:", 7) == 0 ? "sha512" : "sha256";
}

struct hash *hash_new(const char *algorithm)
{
        own_hash struct hash *h = calloc(1, sizeof *h);
        const EVP_MD *md = EVP_get_digestbyname(algorithm);

        if (!h || !md)
                return NULL;
        h->algorithm = algorithm_name(algorithm);
        h->ctx = EVP_MD_CTX_new();
        if (!h->algorithm || !h->ctx || EVP_DigestInit_ex(h->ctx, md, NULL) != 1)
                return NULL;
        return take_ptr(h);
}

void hash_free(struct hash *h)
{
        if (!h)
                return;
        EVP_MD_CTX_free(h->ctx);
        free(h);
}

void hash_add(struct hash *h, const void *data, size_t n)
{
        EVP_DigestUpdate(h->ctx, data, n);
}

void hash_end(struct hash *h, struct digest *ret)
{
        unsigned char sum[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        size_t at;

        EVP_DigestFinal_ex(h->ctx, sum, &n);
        at = (size_t)snprintf(ret->text, sizeof ret->text, "%s:", h->algorithm);
        for (unsigned i = 0; i < n; i++, at += 2)
                snprintf(ret->text + at, sizeof ret->text - at, "%02x", sum[i]);
}

static int digest_of(const char *algorithm, const void *data, size_t n, struct digest *ret, struct error *err)
{
        own_hash struct hash *h = hash_new(algorithm);

        if (!h)
                return error_set(err, ENOMEM, "make a %s digest: out of memory", algorithm);
        hash_add(h, data, n);
        hash_end(h, ret);
        return 0;
}

int hash_of(const void *data, size_t n, struct digest *ret, struct error *err)
{
        return digest_of("sha256", data, n, ret, err);
}

int hash_check(const void *data, size_t n, const struct digest *expected, struct error *err)
{
        struct digest found = {};
        int r = digest_of(hash_algorithm(expected), data, n, &found, err);

        if (r < 0 || digest_equal(&found, expected))
                return r;
        return error_set(err, EBADMSG, "the content has the digest %s instead of %s", found.text, expected->text);
}
