#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The command line of holt with a real registry: what a person does who comes from docker or podman.

# shellcheck disable=SC2154
load images.bash

setup() {
        store_make
        export CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
        : >"$CONTAINERS_REGISTRIES_CONF"
}
teardown() { store_finish; }

skopeo_copy() { skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "$@"; }

id_of() { holt image inspect --format '{{.Id}}' "$1"; }

# image_push NAME...: one new image below all names of the registry; the store has nothing of it afterwards.
image_push() {
        local name
        image_make made:1
        for name; do holt push -q made:1 "$REGISTRY/$name" >/dev/null; done
        holt rmi made:1 >/dev/null
}

# index_push NAME: an index of two platforms. It has the digest $INDEX.
index_push() {
        local arch
        layer_tree tree
        tar -C tree --numeric-owner --owner=0 --group=0 -cf base.tar .
        for arch in amd64 arm64; do
                mkdir -p "only-$arch"
                echo "$arch" >"only-$arch/arch"
                tar -C "only-$arch" --numeric-owner --owner=0 --group=0 -cf "$arch.tar" .
        done
        python3 "$TESTS/oci_image.py" layout multi linux/amd64=base.tar,amd64.tar linux/arm64=base.tar,arm64.tar
        skopeo_copy --all oci:layout:multi "docker://$REGISTRY/$1"
        INDEX=$(skopeo_inspect --raw "docker://$REGISTRY/$1" | sha256sum | sed 's/^/sha256:/; s/ .*//')
}

private_podman() {
        unshare --mount --propagation private podman --root "$WORK/podman" --runroot "$WORK/podman-run" \
                --storage-driver vfs --cgroup-manager cgroupfs "$@"
}

@test "pull: a tag of several platforms has the digest of its index" {
        registry_start
        index_push multi:1
        run -0 --separate-stderr holt pull "$REGISTRY/multi:1"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "${lines[1]}" = "Status: Downloaded newer image for $REGISTRY/multi:1" ]
        id=$(id_of "$REGISTRY/multi:1")
        [ "$(id_of "$REGISTRY/multi@$INDEX")" = "$id" ]
        run -0 holt images --digests --format '{{.Digest}}'
        [ "$output" = "$INDEX" ]
        holt image inspect --format '{{json .RepoDigests}}' "$REGISTRY/multi:1" | grep -F "$REGISTRY/multi@$INDEX"
        run -0 --separate-stderr holt pull "$REGISTRY/multi:1"
        [ "${lines[1]}" = "Status: Image is up to date for $REGISTRY/multi:1" ]

        holt rmi "$REGISTRY/multi:1"
        run -0 --separate-stderr holt pull "$REGISTRY/multi@$INDEX"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "${lines[2]}" = "$REGISTRY/multi@$INDEX" ]
        [ "$(id_of "$REGISTRY/multi@$INDEX")" = "$id" ]
        run -0 holt images --format '{{.Repository}} {{.Tag}}'
        [ "$output" = "$REGISTRY/multi <none>" ]
        run -0 holt rmi "$REGISTRY/multi@$INDEX"
        [[ ${lines[-1]} == "Deleted: $id" ]]
}

@test "pull: for another platform" {
        registry_start
        index_push multi:1
        holt pull -q "$REGISTRY/multi:1"
        run -0 --separate-stderr holt pull --platform linux/arm64 "$REGISTRY/multi:1"
        [ "${lines[0]}" = "Digest: $INDEX" ]
        [ "$(holt image inspect --format '{{.Architecture}}' "$REGISTRY/multi:1")" = arm64 ]
        run -1 --separate-stderr holt pull --platform linux/s390x "$REGISTRY/multi:1"
        [ "$stderr" = "holt: $REGISTRY/multi:1: there is no image for linux/s390x, only for linux/amd64, linux/arm64" ]
}

@test "a short name finds here what a pull of it has brought" {
        registry_start
        image_push team/web:1 team/web:2
        printf '[aliases]\nweb = "%s/team/web"\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
        run -0 --separate-stderr holt pull -q web:1
        [ "$output" = "$REGISTRY/team/web:1" ]
        holt pull -q web:2
        id=$(id_of web:1)
        [ "$(id_of "$REGISTRY/team/web:1")" = "$id" ]
        run -0 holt rmi web:1
        [ "$output" = "Untagged: $REGISTRY/team/web:1" ]
        holt history -q web:2
        holt tag web:2 web:3
        run -0 --separate-stderr holt push -q web:2
        [ "$output" = "$REGISTRY/team/web:2" ]
        holt save -q --format oci-dir -o saved web:2
        grep -F "$REGISTRY/team/web:2" saved/index.json
        run ! grep -F web:3 saved/index.json
        run -1 holt image inspect web:4
        [[ $output == *"no such image: web:4"* ]]
}

@test "names that are also commands are pulled, too" {
        registry_start
        image_push run create
        run -0 --separate-stderr holt pull -q "$REGISTRY/run"
        printf 'unqualified-search-registries = ["%s"]\n' "$REGISTRY" >"$CONTAINERS_REGISTRIES_CONF"
        run -0 --separate-stderr holt pull -q create
        [ "$output" = "$REGISTRY/create:latest" ]
}

@test "run: an image that is not here is pulled, as --pull says" {
        registry_start
        index_push multi:1
        run -125 --separate-stderr holt run --pull never "$REGISTRY/multi:1" true
        [ "$stderr" = "holt: no such image: $REGISTRY/multi:1" ]
        run -0 --separate-stderr holt run "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = amd64 ]
        [ "${stderr_lines[0]}" = "Unable to find image '$REGISTRY/multi:1' locally" ]
        [ "${stderr_lines[-2]}" = "Digest: $INDEX" ]
        [ "${stderr_lines[-1]}" = "Status: Downloaded newer image for $REGISTRY/multi:1" ]
        run -0 --separate-stderr holt run "$REGISTRY/multi:1" busybox cat /arch
        [ -z "$stderr" ]
        run -0 --separate-stderr holt run --pull always "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = amd64 ]
        [ "${stderr_lines[-1]}" = "Status: Image is up to date for $REGISTRY/multi:1" ]

        run -125 --separate-stderr holt run --pull never --platform linux/arm64 "$REGISTRY/multi:1" true
        [ "$stderr" = "holt: the image $REGISTRY/multi:1 that is here is for linux/amd64" ]
        run -0 --separate-stderr holt run -q --platform linux/arm64 "$REGISTRY/multi:1" busybox cat /arch
        [ "$output" = arm64 ]
        [ -z "$stderr" ]
        run -125 --separate-stderr holt run "$REGISTRY/multi:2" true
        [ "${stderr_lines[-1]}" = "holt: $REGISTRY/multi:2: manifest 2: it is not there (manifest unknown)" ]
        run -125 --separate-stderr holt run --pull sometimes "$REGISTRY/multi:1"
        [ "$stderr" = 'holt: option --pull: invalid value "sometimes"; see holt run --help' ]
}
