# SPDX-License-Identifier: Apache-2.0
#
# Images without holt-fetch, of $BATS_FILE_TMPDIR/rootfs.tar.

# shellcheck shell=bash

# image NAME CONFIG: "config" of the image's configuration, as JSON.
image() {
        local layer config dir=$BATS_FILE_TMPDIR
        layer=sha256:$(sha256sum <"$dir/rootfs.tar" | cut -c 1-64)
        jq -n --argjson config "$2" --arg layer "$layer" '{architecture: "amd64", os: "linux", $config,
                rootfs: {type: "layers", diff_ids: [$layer]}}' >"$dir/config"
        config=sha256:$(sha256sum <"$dir/config" | cut -c 1-64)
        jq -n --arg config "$config" --arg layer "$layer" '{schemaVersion: 2,
                mediaType: "application/vnd.oci.image.manifest.v1+json",
                config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: 1},
                layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: 1}]}' >"$dir/manifest"
        "$(dirname "$HOLT")/tests/store/image_add" "$1" "sha256:$(sha256sum <"$dir/manifest" | cut -c 1-64)" \
                "$dir/manifest" "$dir/config" "$dir/rootfs.tar"
}
