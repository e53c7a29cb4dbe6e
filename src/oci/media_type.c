/* SPDX-License-Identifier: Apache-2.0 */
/* The names of media types: image-spec, media-types.md; Docker's "Image Manifest Version 2, Schema 2". */
#include <string.h>

#include "base/own.h"
#include "oci/image_manifest.h"

struct kind {
        const char *name;
        enum media_type type;
        enum compression compression;
};

#define OCI_FOREIGN "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct kind kinds[] = {
        { MEDIA_TYPE_OCI_MANIFEST, MEDIA_MANIFEST, COMPRESSION_NONE },
        { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_MANIFEST, COMPRESSION_NONE },
        { MEDIA_TYPE_OCI_INDEX, MEDIA_INDEX, COMPRESSION_NONE },
        { MEDIA_TYPE_DOCKER_INDEX, MEDIA_INDEX, COMPRESSION_NONE },
        { MEDIA_TYPE_OCI_CONFIG, MEDIA_CONFIG, COMPRESSION_NONE },
        { MEDIA_TYPE_DOCKER_CONFIG, MEDIA_CONFIG, COMPRESSION_NONE },
        { MEDIA_TYPE_OCI_LAYER, MEDIA_LAYER, COMPRESSION_NONE },
        { MEDIA_TYPE_OCI_LAYER "+gzip", MEDIA_LAYER, COMPRESSION_GZIP },
        { MEDIA_TYPE_OCI_LAYER "+zstd", MEDIA_LAYER, COMPRESSION_ZSTD },
        { MEDIA_TYPE_DOCKER_LAYER, MEDIA_LAYER, COMPRESSION_NONE },
        { MEDIA_TYPE_DOCKER_LAYER ".gzip", MEDIA_LAYER, COMPRESSION_GZIP },
        { MEDIA_TYPE_DOCKER_LAYER ".zstd", MEDIA_LAYER, COMPRESSION_ZSTD },
        { OCI_FOREIGN, MEDIA_LAYER_FOREIGN, COMPRESSION_NONE },
        { OCI_FOREIGN "+gzip", MEDIA_LAYER_FOREIGN, COMPRESSION_GZIP },
        { OCI_FOREIGN "+zstd", MEDIA_LAYER_FOREIGN, COMPRESSION_ZSTD },
        { DOCKER_FOREIGN, MEDIA_LAYER_FOREIGN, COMPRESSION_NONE },
        { DOCKER_FOREIGN ".gzip", MEDIA_LAYER_FOREIGN, COMPRESSION_GZIP },
};

enum media_type media_type_of(const char *name, enum compression *ret_compression)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (strcmp(name, kinds[i].name) != 0)
                        continue;
                if (ret_compression)
                        *ret_compression = kinds[i].compression;
                return kinds[i].type;
        }
        return MEDIA_OTHER;
}

const char *media_type_of_layer(enum compression c)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].type == MEDIA_LAYER && kinds[i].compression == c)
                        return kinds[i].name;
        return MEDIA_TYPE_OCI_LAYER "+xz"; /* no registered name */
}
