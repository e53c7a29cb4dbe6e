#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# An image goes from tool to tool and comes back the same.

load images.bash

setup() { store_make; }
teardown() { store_finish; }

# What an image is: its id and the digests of its layers' archives.
identity() { holt image inspect --format '{{.Id}} {{json .RootFS.Layers}}' "$1"; }

private_podman() {
        unshare --mount --propagation private podman --root "$WORK/podman" --runroot "$WORK/podman-run" \
                --storage-driver vfs --cgroup-manager cgroupfs "$@"
}

@test "holt, registry, skopeo, podman, registry, umoci, holt: the same digests" {
        local before digest
        registry_start
        image_make circle:1
        holt tag circle:1 "$REGISTRY/circle:1"
        holt push -q "$REGISTRY/circle:1"
        before=$(identity circle:1)
        digest=$(skopeo_inspect --format '{{.Digest}}' "docker://$REGISTRY/circle:1")

        skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$REGISTRY/circle:1" "docker://$REGISTRY/circle:2"
        private_podman pull -q --tls-verify=false "$REGISTRY/circle:2"
        private_podman push -q --tls-verify=false "$REGISTRY/circle:2" "$REGISTRY/circle:3"
        skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/circle:3" oci:layout:3
        umoci tag --image layout:3 4
        umoci stat --image layout:4 >/dev/null
        skopeo copy -q --dest-tls-verify=false oci:layout:4 "docker://$REGISTRY/circle:4"
        [[ $(skopeo_inspect --format '{{.Digest}}' "docker://$REGISTRY/circle:4") == "$digest" ]]

        holt rmi circle:1 "$REGISTRY/circle:1"
        [[ -z $(holt images -q) ]]
        holt pull -q "$REGISTRY/circle:4"
        [[ $(identity "$REGISTRY/circle:4") == "$before" ]]
        holt image inspect --format '{{json .RepoDigests}}' "$REGISTRY/circle:4" | grep -F "$REGISTRY/circle@$digest"
}

@test "what skopeo pushes with zstd comes as the same image" {
        registry_start
        image_make zstd:1
        holt save --format oci-archive -o image.tar zstd:1
        skopeo copy -q --dest-tls-verify=false --dest-compress-format zstd --dest-compress oci-archive:image.tar "docker://$REGISTRY/zstd:1"
        holt pull -q "$REGISTRY/zstd:1"
        [[ $(identity "$REGISTRY/zstd:1") == "$(identity zstd:1)" ]]
}

@test "save and load by docker-archive and OCI layout, read by podman and skopeo" {
        local before
        image_make saved:1
        before=$(identity saved:1)
        holt save -o docker.tar saved:1
        holt save --format oci-archive -o oci.tar saved:1
        holt save --format oci-dir -o oci saved:1
        skopeo copy -q docker-archive:docker.tar dir:from-docker
        skopeo copy -q oci-archive:oci.tar dir:from-archive
        skopeo copy -q "oci:oci:$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' oci/index.json)" dir:from-dir
        private_podman load -q -i docker.tar
        private_podman image inspect --format '{{.Id}}' saved:1 | grep -F "$(holt images -q --no-trunc saved:1 | cut -d: -f2)"
        for source in docker.tar oci.tar oci; do
                holt rmi saved:1
                holt load -q -i "$source"
                [[ $(identity saved:1) == "$before" ]]
        done
        gzip docker.tar
        holt rmi saved:1
        holt load -q <docker.tar.gz
        [[ $(identity saved:1) == "$before" ]]
}

@test "what podman saves is loaded" {
        local before
        image_make saved:1
        before=$(identity saved:1)
        holt save -o docker.tar saved:1
        private_podman load -q -i docker.tar
        private_podman save -q -o podman.tar saved:1
        private_podman save -q --format oci-archive -o podman-oci.tar saved:1
        holt rmi saved:1
        holt load -q -i podman.tar
        [[ $(identity localhost/saved:1 2>/dev/null || identity saved:1) == "$before" ]]
        holt rmi -f "$(holt images -q)"
        holt load -q -i podman-oci.tar
        [[ $(identity "$(holt images -q)") == "$before" ]]
}
