/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/image_digest.h"

#include <errno.h>

#include "base/own.h"

enum { MAX_INDEXES = 3 }; /* in one another */

/* The index, if it is one and there. */
static int read_index(struct store *s, const struct digest *d, struct image_index *ret)
{
        own_buf struct buf text = {};
        int r = store_blob_read(s, d, &text, NULL);

        if (r == 0 && image_document_kind(buf_str(&text), text.len, NULL) != MEDIA_INDEX)
                r = -ENOENT;
        return r < 0 ? r : image_index_read(buf_str(&text), text.len, NULL, ret, NULL);
}

static bool leads_to(struct store *s, const struct digest *d, const struct digest *manifest, unsigned depth)
{
        own_image_index struct image_index index = {};
        bool found = digest_equal(d, manifest);

        if (found || depth == MAX_INDEXES || read_index(s, d, &index) < 0)
                return found;
        for (size_t i = 0; i < index.n_manifests && !found; i++)
                found = digest_equal(&index.manifests[i].digest, manifest);
        for (size_t i = 0; i < index.n_manifests && !found; i++)
                found = leads_to(s, &index.manifests[i].digest, manifest, depth + 1);
        return found;
}

int image_digest_check(struct store *s, const struct digest *d, const struct digest *manifest, struct error *err)
{
        if (leads_to(s, d, manifest, 0))
                return 0;
        return error_set(err, EPERM, "%s is not the digest of image %s", d->text, manifest->text);
}
