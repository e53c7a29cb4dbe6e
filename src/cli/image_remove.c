/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/image_remove.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/image_place.h"

static void tell_untagged(struct buf *out, const char *name)
{
        buf_add_str(out, "Untagged: ");
        image_add_short_name(out, name);
        buf_add_str(out, "\n");
}

int image_delete(struct store *s, const struct digest *id, struct error *err)
{
        own_mem char *path = NULL;
        int r = image_place_find(s, id, &path, err);

        if (r == 1)
                return error_set(err, EBUSY, "image %.12s is mounted at %s", digest_hex(id), path);
        return r < 0 ? r : store_image_remove(s, id, err);
}

/* How many other names keep the image when this one goes. All digests of a repository go together: the one that was
 * asked for may be that of an index, which brought that of the manifest along. */
static size_t others(const struct image_info *info, const struct reference *name)
{
        own_buf struct buf repository = {};
        size_t n = 0;

        for (const char *const *tag = info->names; *tag; tag++)
                n++;
        if (!*name->digest.text)
                return n - 1;
        reference_add_name(&repository, name);
        buf_add_str(&repository, "@");
        for (const char *const *d = info->digests; *d; d++)
                n += strncmp(*d, buf_str(&repository), repository.len) != 0;
        return n;
}

static int untag(struct store *s, const struct reference *name, struct buf *out, struct error *err)
{
        own_buf struct buf full = {};
        int r = store_image_untag(s, name, err);

        if (r < 0)
                return r;
        reference_add(&full, name);
        tell_untagged(out, buf_str(&full));
        return 0;
}

int image_remove(struct store *s, const struct image_info *info, const struct reference *name, struct buf *out,
                 struct error *err)
{
        int r;

        /* A digest is no name that keeps an image alone, once its tags are gone by hand. */
        if (name && others(info, name))
                return untag(s, name, out, err);
        r = image_delete(s, &info->id, err);
        if (r < 0)
                return r;
        for (const char *const *n = info->names; *n; n++)
                tell_untagged(out, *n);
        for (const char *const *d = info->digests; *d; d++)
                tell_untagged(out, *d);
        buf_addf(out, "Deleted: %s\n", info->id.text);
        return 0;
}
