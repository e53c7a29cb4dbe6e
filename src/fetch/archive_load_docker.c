/* SPDX-License-Identifier: Apache-2.0 */
/* Images of a docker-archive: manifest.json names a configuration and layers, and there are no other manifests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fetch/archive_image.h"
#include "fetch/hash.h"

/* Docker calls it after its digest: "HEX.json", "blobs/sha256/HEX". Whoever calls it so has to mean it. */
static int check_name(const char *name, const struct digest *d, struct error *err)
{
        const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
        const size_t n = strspn(base, "0123456789abcdef");

        if (n != 64 || (base[n] && strcmp(base + n, ".json") != 0) || memcmp(base, digest_hex(d), n) == 0)
                return 0;
        return error_set(err, EBADMSG, "%s: it has the digest %s", name, d->text);
}

static int read_config(struct archive *a, const char *name, struct archive_image *image, struct error *err)
{
        int r = archive_document(a, name, &image->config, &image->config_len, err);

        if (r == 0)
                return error_set(err, ENOENT, "%s is not in the archive", name);
        if (r > 0)
                r = hash_of(image->config, image->config_len, &image->config_digest, err);
        image->config_type = MEDIA_TYPE_OCI_CONFIG;
        return r < 0 ? r : check_name(name, &image->config_digest, err);
}

static int load(struct archive *a, const struct docker_image *d, struct error *err)
{
        own_mem struct archive_part *parts = calloc(d->n_layers + 1, sizeof *parts);
        struct archive_image image = { .parts = parts, .n_parts = d->n_layers };
        int r;

        if (!parts)
                return error_set(err, ENOMEM, "out of memory");
        for (size_t i = 0; i < d->n_layers; i++)
                parts[i] = (struct archive_part){ .name = d->layers[i], .blob_size = UINT64_MAX };
        r = read_config(a, d->config, &image, err);
        if (r == 0)
                r = archive_image_hand_over(a, &image, err);
        return r < 0 ? r : archive_image_name(a, &image, d->names, d->n_names, err);
}

int archive_load_docker(struct archive *a, const struct docker_archive *d, struct error *err)
{
        for (size_t i = 0; i < d->n_images; i++) {
                int r = load(a, &d->images[i], err);

                if (r < 0)
                        return error_wrap(err, "image %.100s",
                                          d->images[i].n_names ? d->images[i].names[0] : d->images[i].config);
        }
        return 0;
}
