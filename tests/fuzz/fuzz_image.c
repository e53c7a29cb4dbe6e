/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, indexes and configurations as registries send them; what is taken as a manifest is no index. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/image_config.h"
#include "oci/image_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct descriptor *d)
{
        struct digest again;

        if (digest_parse(d->digest.text, &again, NULL) < 0 || d->size > INT64_MAX)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        own_image_manifest struct image_manifest m = {};
        own_image_index struct image_index index = {};
        own_image_config struct image_config config = {};
        const char *text = (const char *)data;
        struct platform host = platform_host();
        struct error err;
        bool is_manifest = image_manifest_read(text, size, NULL, &m, &err) == 0;

        if (is_manifest) {
                check(&m.config);
                for (size_t i = 0; i < m.n_layers; i++)
                        check(&m.layers[i]);
        }
        if (image_index_read(text, size, NULL, &index, &err) == 0) {
                if (is_manifest)
                        abort();
                for (size_t i = 0; i < index.n_manifests; i++)
                        check(&index.manifests[i]);
                image_index_find(&index, &host);
        }
        image_config_read(text, size, &config, &err);
        return 0;
}
